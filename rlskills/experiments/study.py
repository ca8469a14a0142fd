"""What a study is: arms x seeds on fixed eval sets, as data that `run_study` carries out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import UnknownName, UserError
from ..evaluation.eval_sets import EvalSet
from ..evaluation.settings import EvalConfig
from ..models.options import ModelOptions
from ..models.tiny_base import NAME as TINY_BASE
from ..models.tiny_base import tiny_base
from ..runs.claims import Claim, check_claims
from ..runs.supervision import Supervision
from ..training.settings import Training
from ..training.stream import SEED_STRIDE, TaskStream

if TYPE_CHECKING:
    from .gate import RecallGate

StreamFactory: TypeAlias = Callable[[int], TaskStream]


@dataclass(frozen=True)
class ArmConfig:
    """One arm: a method, its problems, and the model it starts from."""

    name: str
    """Also the name of its folder."""
    supervision: Supervision
    """The most that it is shown; claims hold between arms alike in it."""
    settings: Training | None = None
    """Settings of its method; None evaluates the starting model as it is."""
    stream: TaskStream | StreamFactory | None = None
    """Its problems, or a function from a seed to them; seeds have no problem in common then."""
    start: str = ""
    """The arm of the same study whose model this one starts from; empty: the study's model."""
    supervision_note: str = ""
    """What a reader should know beside it, e.g. the problems of a cold start."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What else decides its result, e.g. how its problems are chosen; part of its hash."""
    sampler: str = ""
    """The arm whose model samples its fixed data set; empty: the model it starts from."""
    continues: bool = False
    """Whether its budgets go on from those of the arm it samples: an iteration of one method."""
    gate: RecallGate | None = None
    """What the arm it starts from must know before this one is trained."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.+-]+", self.name) or self.name.startswith("."):
            raise UserError(f"{self.name!r} cannot be an arm's name: it is a folder's name too")
        if (self.settings is None) != (self.stream is None):
            raise UserError(f"arm {self.name!r} needs both settings and problems, or neither")

    def settings_of(self, seed: int) -> Training | None:
        """Its settings under `seed`."""
        return self.settings and replace(self.settings, seed=seed)

    def stream_of(self, seed: int) -> TaskStream | None:
        """Its problems under `seed`."""
        if not callable(self.stream):
            return self.stream
        stream = self.stream(seed)
        stream.move(self.moved_by(seed))
        return stream

    def moved_by(self, seed: int) -> int:
        """How far on the problems of `seed` begin.

        Otherwise seeds that start from one pretrained model would repeat each other's problems, and
        an interval over seeds would not tell how much depends on which were drawn.
        """
        return seed * SEED_STRIDE if callable(self.stream) else 0


@dataclass(frozen=True)
class Study:
    """Arms of some seeds, evaluated alike; all that a runner and a report need to know."""

    name: str
    """The recipe's name."""
    title: str
    """The question in one line."""
    arms: tuple[ArmConfig, ...]
    """In the order in which they begin; an arm that others start from stands before them."""
    eval_sets: tuple[EvalSet, ...]
    evaluation: EvalConfig
    """How the eval sets are answered at the end."""
    curve_tasks: int = 48
    """Tasks of each eval set that are answered, greedily, while training."""
    seeds: tuple[int, ...] = (0,)
    model: str | Mapping[int, str] = "tiny"
    """What arms without a `start` begin with: a preset, a name or folder; or one per seed."""
    model_options: ModelOptions = ModelOptions()
    """How the model is loaded and spoken to, by all arms."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What else decides the results of all arms; saved with every arm and part of its hash."""
    claims: tuple[Claim, ...] = ()
    """What the study is to show; a report gives each a verdict."""
    minutes: float | None = None
    """About how long a seed takes on two CPU cores, for the report."""

    def __post_init__(self) -> None:
        seen: list[str] = []
        for arm in self.arms:
            if arm.name in seen:
                raise UserError(f"study {self.name!r} has two arms {arm.name!r}")
            for kind, other in (("start", arm.start), ("sampler", arm.sampler)):
                if other and other not in seen:
                    raise UnknownName(f"{kind} of arm {arm.name!r}", other, seen)
            seen.append(arm.name)
        if not self.arms or not self.seeds:
            raise UserError(f"study {self.name!r} has no arms or no seeds: nothing to run")
        if len(set(self.seeds)) < len(self.seeds):
            raise UserError(f"study {self.name!r} names a seed twice: {self.seeds}")

        asked = {(each.group, each.level) for each in self.eval_sets}
        check_claims(self.claims, seen, asked)

    def engine_of(self, arm: ArmConfig) -> str:
        """What samples for an arm: what it asks for, else what others ask for.

        So that arms which do not sample for training are evaluated like those that do.
        """
        asked = [getattr(each.settings, "engine", "auto") for each in (arm, *self.arms)]
        return next((engine for engine in asked if engine != "auto"), "auto")

    @property
    def command(self) -> str:
        """How it is run with the recipe's defaults."""
        return f"rlskills run {self.name}"

    def arm(self, name: str) -> ArmConfig:
        """The arm of this name."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise UnknownName(f"arm of study {self.name!r}", name, [arm.name for arm in self.arms])

    def model_of(self, seed: int) -> str:
        """The model that arms without a `start` begin with; of `tiny-base` the folder."""
        model = self.model if isinstance(self.model, str) else self.model[seed]
        return str(tiny_base(seed)) if model == TINY_BASE else model

    def waves(self) -> list[list[ArmConfig]]:
        """Arms in the order of training: each wave starts from models of earlier waves."""
        depth: dict[str, int] = {}
        for arm in self.arms:
            behind = [depth[other] for other in (arm.start, arm.sampler) if other]
            depth[arm.name] = max(behind) + 1 if behind else 0
        return [
            [arm for arm in self.arms if depth[arm.name] == level]
            for level in range(max(depth.values()) + 1)
        ]
