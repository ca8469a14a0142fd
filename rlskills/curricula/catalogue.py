"""Curricula by name, or by `path/to/file.py:Class`; options may follow as in a web address.

`make("sec?rate=0.3", pool, seed=1)` and `make("sec", pool, seed=1, rate=0.3)` are the same.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from ..errors import UnknownName, UserError
from ..spec import from_file
from .base import Base
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
from .wrappers.factors import WithBoredom, WithPrerequisites, WithStaleness
from .wrappers.gates import DAPO, Band
from .wrappers.greso import GRESO
from .wrappers.instance_filter import InstanceFilter
from .wrappers.speed import SPEED

METHODS: tuple[type[Base], ...] = (
    Uniform, Mixture, RandomSubset, UniformBox,
    E2HCosine, E2HGaussian, StructuredToOpen,
    LevelWindow, LevelWindowDown, AdaRFT, SelfImprovement,
    BidirectionalLP, BidirectionalLPGraph, BidirectionalLPSyllabus,
    TSCLOnline, TSCLWindow, TSCLThompson, ALPWindows, MasteringRate, ALPGMM, CovarGMM, RIAC,
    SEC, DUMP, MoPPS, BOTS, PLR, VCRL, CDAS, LearnabilityThompson, PassAtNThompson,
    SkillIt, STATSel, STATSyn, Ladder, Composition,
    GainRL,
    DAPO, Band, GRESO, SPEED, InstanceFilter, CurES,
    Allocated, WithBoredom, WithPrerequisites, WithStaleness,
)  # fmt: skip
CATALOGUE: dict[str, type[Base]] = {method.name: method for method in METHODS}
DEFAULT = BidirectionalLP.name
"""The method that `make("default", ...)` stands for."""


def find(name: str) -> type[Base]:
    """The class of a method: a name of the catalogue, `default`, or `path/to/file.py:Class`."""
    if name == "default":
        name = DEFAULT
    if name in CATALOGUE:
        return CATALOGUE[name]
    where, colon, attribute = name.rpartition(":")
    if name.endswith(".py"):
        where, colon, attribute = name, ":", ""
    if not (colon and where.endswith(".py")):
        raise UnknownName("curriculum", name, [*CATALOGUE, "default"])
    module = from_file(Path(where), "curriculum")
    own = [
        one.__name__
        for one in vars(module).values()
        if inspect.isclass(one) and issubclass(one, Base) and one.__module__ == module.__name__
    ]
    if not attribute and own:
        raise UserError(f"name the class in {where} too, as in {where}:{own[0]}")
    found = getattr(module, attribute, None)
    if not (inspect.isclass(found) and issubclass(found, Base)):
        raise UnknownName(f"curriculum class in {where}", attribute, own)
    return found


def make(spec: str, pool: Pool | Sequence[str], seed: int = 0, **options: Any) -> Base:
    """The curriculum that `spec` names, over `pool`; options are checked by name and type."""
    name, _, query = spec.partition("?")
    cls = find(name)
    kinds = option_kinds(cls)
    given: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    for key in (*given, *options):
        if key not in kinds:
            raise UnknownName(f"option of {cls.name}", key, kinds)
    given = {key: _read(cls, key, kinds[key], text) for key, text in given.items()}
    for key, value in options.items():
        given[key] = _checked(cls, key, kinds[key], value)
    return cls(pool, seed, **given)


def option_kinds(cls: type[Base]) -> dict[str, str]:
    """Options of a method, by name, with the type that its constructor writes."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    if [one.name for one in parameters[:2]] != ["pool", "seed"]:
        raise UserError(f"{cls.name}: the constructor must take pool, seed and then the options")
    return {one.name: _kind(one) for one in parameters[2:]}


def _kind(option: inspect.Parameter) -> str:
    """The type as it is written; that of the default where none is."""
    said = option.annotation
    if said is option.empty:
        said = type(option.default) if option.default is not option.empty else str
    return said if isinstance(said, str) else getattr(said, "__name__", str(said))


def _read(cls: type[Base], key: str, kind: str, text: str) -> Any:
    try:
        if kind == "bool":
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        value = {"int": int, "float": float}.get(kind, str)(text)
    except (KeyError, ValueError):
        raise UserError(f"{cls.name}: option {key}={text!r} is not of type {kind}") from None
    return _checked(cls, key, kind, value)


def _checked(cls: type[Base], key: str, kind: str, value: Any) -> Any:
    right = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "str": isinstance(value, str),
    }.get(kind, not isinstance(value, str))
    if not right:
        raise UserError(f"{cls.name}: option {key}={value!r} is not of type {kind}")
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{cls.name}: option {key}={value} is not finite")
    return float(value) if kind == "float" else value
