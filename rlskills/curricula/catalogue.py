"""Curricula by name, or by `path/to/file.py:Class`; options may follow as in a web address.

`make("sec?rate=0.3", pool, seed=1)` and `make("sec", pool, seed=1, rate=0.3)` are the same. A
wrapper names the curriculum that it wraps in parentheses: `dapo?inner=(sec?rate=0.3)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ..errors import UserError
from ..spec import Spec
from .base import CURRICULA, Base
from .boxes import UniformBox
from .methods.adarft import AdaRFT
from .methods.alp_windows import ALPWindows
from .methods.bidirectional_lp import (
    BidirectionalLP,
    BidirectionalLPGraph,
    BidirectionalLPSyllabus,
)
from .methods.bots import BOTS
from .methods.cdas import CDAS
from .methods.composition import Composition
from .methods.cures import CurES
from .methods.dump import DUMP
from .methods.e2h import E2HCosine, E2HGaussian
from .methods.gain_rl import GainRL
from .methods.gmm_teachers import ALPGMM, CovarGMM
from .methods.ladder import Ladder
from .methods.learnability import LearnabilityThompson, PassAtNThompson
from .methods.level_window import LevelWindow, LevelWindowDown
from .methods.mastering_rate import MasteringRate
from .methods.mixture import Mixture
from .methods.mopps import MoPPS
from .methods.plr import PLR
from .methods.pooled_progress import PooledProgress
from .methods.random_subset import RandomSubset
from .methods.riac import RIAC
from .methods.sec import SEC
from .methods.self_improvement import SelfImprovement
from .methods.skill_it import SkillIt
from .methods.stat import STATSel, STATSyn
from .methods.structured_to_open import StructuredToOpen
from .methods.tscl import TSCLOnline, TSCLThompson, TSCLWindow
from .methods.uniform import Uniform
from .methods.vcrl import VCRL
from .pool import Pool
from .wrappers.allocation import Allocated
from .wrappers.around import Around
from .wrappers.factors import WithPrerequisites, WithStagnation, WithStaleness
from .wrappers.gates import DAPO, Band
from .wrappers.greso import GRESO
from .wrappers.instance_filter import InstanceFilter
from .wrappers.replay import Replay
from .wrappers.speed import SPEED

METHODS: tuple[type[Base], ...] = (
    Uniform, Mixture, RandomSubset, UniformBox,
    E2HCosine, E2HGaussian, StructuredToOpen,
    LevelWindow, LevelWindowDown, AdaRFT, SelfImprovement,
    BidirectionalLP, BidirectionalLPGraph, BidirectionalLPSyllabus, PooledProgress,
    TSCLOnline, TSCLWindow, TSCLThompson, ALPWindows, MasteringRate, ALPGMM, CovarGMM, RIAC,
    SEC, DUMP, MoPPS, BOTS, PLR, VCRL, CDAS, LearnabilityThompson, PassAtNThompson,
    SkillIt, STATSel, STATSyn, Ladder, Composition,
    GainRL,
    DAPO, Band, GRESO, SPEED, InstanceFilter, CurES,
    Allocated, Replay, WithStagnation, WithPrerequisites, WithStaleness,
)  # fmt: skip
CATALOGUE: dict[str, type[Base]] = {
    method.name: CURRICULA.register(method.name)(method) for method in METHODS
}
DEFAULT = BidirectionalLP.name
"""The method that `make("default", ...)` stands for."""


def find(name: str) -> type[Base]:
    """The class of a method: a name of the catalogue, `default`, or `path/to/file.py:Class`."""
    return CURRICULA.find(DEFAULT if name == "default" else name)


def make(spec: str | Spec, pool: Pool | Sequence[str], seed: int = 0, **options: Any) -> Base:
    """The curriculum that `spec` names, over `pool`; options are checked by name and type.

    A wrapper's `inner` may be a spec, its text, or a curriculum over the same pool.
    """
    spec = Spec.parse(spec) if isinstance(spec, str) else spec
    cls = find(spec.name)
    given = {**spec.options, **options}
    if issubclass(cls, Around) and "inner" in given:
        given["inner"] = _inner(cls, given["inner"], pool, seed)
    return cls(pool, seed, **given)


def _inner(cls: type[Around], inner: Any, pool: Pool | Sequence[str], seed: int) -> Base:
    if isinstance(inner, Base):
        return inner
    if not isinstance(inner, str | Spec):
        raise UserError(f"{cls.name}: inner must be a curriculum or its spec, not {inner!r}")
    return make(inner, pool, seed)


def option_names(cls: type[Base]) -> list[str]:
    """Names of all options that `make` takes for a method."""
    inner = ["inner"] if issubclass(cls, Around) else []
    return [*inner, *(option.name for option in fields(cls.Options))]
