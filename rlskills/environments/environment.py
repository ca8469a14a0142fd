"""`Environment`: two pure functions (make a problem, verify an answer) and the levels as data.

A subclass writes `make`, and `verify` if equality with the answer is not the rule. What else it may
offer is in `capabilities.py`. Random access by address, splits and scoring are provided and final.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self, final

from ..errors import UnknownName, UserError
from ..spec import Registry, Spec, typed
from .capabilities import Capabilities
from .composition import DRAWS, compositions, skills_of
from .guard import sent_by_signal, undisturbed
from .isolation.workers import workers_of
from .parsing import answer_block, strictly_formed
from .rewards import reward_weights
from .scoring import GraderError, calls_of, grade
from .seeding import digest, rng_of, stream_key
from .splits import SPLITS, Holdout, hashed_split
from .types import JSON, Draft, Score, Task

REDRAWS = 5_000
"""Draws after which a split is declared empty at a level, rather than looping for ever."""


class EmptySplit(UserError):
    """No task of this split was found at this level, and perhaps there is none."""


@dataclass(frozen=True)
class _Seeded:
    """The options of every environment beside those of its `Config` and the reward."""

    seed: int = 0
    composition: str = ""


class Environment(Capabilities):
    """Base class of every environment; see `docs/environments.md` for the author's path."""

    @dataclass(frozen=True)
    class Config:
        """What a level sets. A subclass puts its own fields here."""

    name: str = ""
    """The registered name; without one, that of the class."""
    version: ClassVar[int] = 1
    levels: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    """Config overrides by level, easiest first; `levels[0]` is level 1."""
    test_percent: ClassVar[int] = 10
    holdout: Holdout = Holdout()
    reward_components: ClassVar[Sequence[str]] = ()
    """Names of what `component_scores` returns, which a reward may give weights to."""
    many_valid_answers: ClassVar[bool] = False
    """Whether an answer to one problem is often right for another one too (a colouring, a valid
    conclusion), so that the check of exchanged answers only warns."""
    drawing_seconds: ClassVar[float] = 1.0
    """Seconds in which the checks expect a first task of a split, if there is one."""
    trusted_grader: bool = True
    """Whether `parse`, `verify` and the like may run in the trainer's own process."""
    grading_seconds: float = 5.0
    """Wall-clock limit of one grading, where the grader is not trusted."""
    grading_memory_mb: int = 4096
    """Megabytes that a grading process may take beyond what it has once the environment is loaded,
    where the grader is not trusted (on Linux); 0: no limit."""
    grading_workers: int = 0
    """Processes that grade, where the grader is not trusted; 0: one per core, at most 4."""
    source: ClassVar[str] = ""
    """How another process finds this class, where its module and its name do not say."""

    _given: dict[str, Any]

    def __new__(cls, **options: Any) -> Self:
        """Keep the options, all of them, whatever a subclass does with its own."""
        made = super().__new__(cls)
        made._given = options
        return made

    def __init__(
        self,
        *,
        seed: int = 0,
        reward: str | Mapping[str, float] = "binary",
        composition: str = "",
        **config: Any,
    ) -> None:
        self.name = ENVIRONMENTS.name_of(type(self))
        common = {"seed": seed, "composition": composition}
        self.seed, self.composition = typed(common, _Seeded, self.name).values()
        self.weights = reward_weights(reward, self.reward_components)
        self.base = self._configured(self.Config(), config)
        self.configs = [self._configured(self.base, level) for level in self.levels]
        self._stream_keys = [stream_key(cfg) for cfg in self.configs]
        self._composed = self._composition()

    # What an author writes; all else is optional and in `Capabilities`.

    def make(self, rng: random.Random, cfg: Any) -> Draft:
        """Draw one problem from `rng` alone, under one level's `Config`."""
        raise NotImplementedError(f"{type(self).__name__} does not define make(rng, cfg)")

    def sample_for_split(self, rng: random.Random, cfg: Any, split: str) -> Draft | None:
        """Draw a problem that this split is likely to own; None if it can own none under `cfg`.

        Worth defining where `make` seldom draws what a split owns. Ownership is verified, and what
        another split owns is drawn again, so this may be wrong, but not return None wrongly.
        """
        return self.make(rng, cfg)

    def verify(self, task: Task, answer: str) -> bool | float:
        """Is this parsed answer right? A float in [0, 1] gives partial credit; 1 is correct."""
        return answer == task.answer

    def identity(self, draft: Draft) -> JSON:
        """What makes two draws the same problem; decides train or test. Default: the prompt."""
        if isinstance(draft.prompt, str):
            return draft.prompt
        return [{**message} for message in draft.prompt]

    def parse(self, text: str) -> str | None:
        """The answer in a completion, or None. Default: the last `<answer>` block."""
        return answer_block(text)

    def well_formed(self, text: str) -> bool:
        """Is all of a completion in the form asked for, strictly? Asked where `parse` found an
        answer. Default: one answer block at the end; with a `parse` of its own, nothing more."""
        return type(self).parse is not Environment.parse or strictly_formed(text)

    # What is provided.

    @final
    def task(self, split: str, level: int, index: int, *, patience: float = float("inf")) -> Task:
        """The task at this address: the same on every process, in any order of access.

        `EmptySplit` where there is none, or none was found in `REDRAWS` draws or in `patience`
        seconds, which are for those who only want to know what can be drawn.
        """
        cfg = self.config(level)
        if split not in self.holdout.splits:
            raise UnknownName(f"split of {self.name}", split, self.holdout.splits)
        try:
            return self._drawn(cfg, split, level, index, patience)
        except SystemExit as error:
            if sent_by_signal(error):
                raise
            raise UserError(
                f"{self.name} raised SystemExit: {error} when it drew {split} {level} {index}"
            ) from error

    def _drawn(self, cfg: Any, split: str, level: int, index: int, patience: float) -> Task:
        address = (self._stream_keys[level - 1], split, level, index)
        if self._composed:
            address = (*address, self.composition)
        rng = rng_of(self.seed, self.name, self.version, *address)
        end = time.monotonic() + patience
        for _ in range(DRAWS if self._composed else REDRAWS):
            if self._composed:
                draft = self.compose(rng, cfg, self._composed)
            elif (draft := self.sample_for_split(rng, cfg, split)) is None:
                raise EmptySplit(f"{self.name}: split {split!r} is empty at level {level} ({cfg})")
            task = draft and self.task_of(draft, split, level, index)
            if task is not None:
                return task
            if time.monotonic() > end:
                break
        raise EmptySplit(f"{self.name}: split {split!r} seems empty at level {level} ({cfg})")

    @final
    def task_of(self, draft: Draft, split: str, level: int, index: int) -> Task | None:
        """The task that a draft makes, or None if the split does not own it."""
        depth, key = draft.depth or level, self.key(draft)
        if self.split_of(draft.skills, depth, key, self.pairs(draft)) != split:
            return None
        return Task(
            self.name, split, level, index, draft.prompt, draft.answer,
            draft.skills, depth, draft.data, key,
        )  # fmt: skip

    @final
    def key(self, draft: Draft) -> str:
        """The hash of a problem's identity, which decides train or test."""
        return digest(self.name, self.version, self.identity(draft))

    @final
    def tasks(self, split: str, level: int, start: int = 0) -> Iterator[Task]:
        """An endless stream of tasks from address `start` on."""
        while True:
            yield self.task(split, level, start)
            start += 1

    @final
    def split_of(
        self,
        skills: tuple[str, ...],
        depth: int,
        key: str,
        pairs: Sequence[tuple[str, str]] | None = None,
    ) -> str:
        """The one split that owns a problem with this content."""
        held = self.holdout.split_of(skills, depth, pairs)
        return held or hashed_split(key, self.test_percent)

    @final
    def config(self, level: int) -> Any:
        """The `Config` of a level, counted from 1."""
        known = range(1, len(self.configs) + 1)
        if level not in known:
            raise UnknownName(f"level of {self.name}", level, known)
        return self.configs[level - 1]

    @cached_property
    def spec(self) -> Spec:
        """What this environment was made from: `load(env.spec)` makes an equal one anywhere."""
        canonical = {item.name: getattr(self.base, item.name) for item in fields(self.base)}
        canonical["seed"] = self.seed
        if not _names_reward(self._given.get("reward")):
            canonical["reward"] = self.weights
        options = {name: canonical.get(name, value) for name, value in self._given.items()}
        return Spec(ENVIRONMENTS.spec_of(type(self)), options)

    def __reduce__(self) -> Any:
        return _remade, (self.spec,)

    @final
    def with_options(self, **options: Any) -> Self:
        """The same environment with some options set or changed."""
        return type(self)(**{**self._given, **options})

    @final
    def by_composition(
        self,
        names: Iterable[str] | None = None,
        *,
        sizes: Sequence[int] = (1, 2),
        split: str = "train",
    ) -> Mapping[str, Self]:
        """The environment in parts by composition, for curricula that order compositions.

        Part `f>g` asks problems of exactly these skills, g last, at level 2; its prerequisites are
        `f` and `g`, as in `prerequisites`. `names` are the compositions; by default all of `sizes`
        skills. Those that the split owns no problem of are left out. Without `compose` there are no
        parts.
        """  # fmt: skip
        if type(self).compose is Environment.compose:
            return {}
        if names is None:
            names = compositions(self.skills(), sizes, self.name)
        parts = {name: self.with_options(composition=name) for name in names}
        return {name: part for name, part in parts.items() if part._holds(split)}

    def _holds(self, split: str) -> bool:
        """Whether a split owns a problem of this composition."""
        try:
            self.task(split, len(self._composed), 0)
        except (EmptySplit, UnknownName):
            return False
        return True

    def _composition(self) -> tuple[str, ...]:
        if not self.composition:
            return ()
        if type(self).compose is Environment.compose:
            raise UserError(f"{self.name} cannot ask {self.composition!r}: it defines no `compose`")
        return skills_of(self.composition, self.skills(), self.name)

    @final
    def score(self, task: Task, completion: str, *, truncated: bool = False) -> Score:
        """Grade one completion; see `scores`, which is faster for many."""
        if self.trusted_grader:
            return grade(self, task, completion, truncated)
        return self.scores([task], [completion], [truncated])[0]

    @final
    def scores(
        self,
        tasks: Sequence[Task],
        completions: Sequence[str],
        truncated: Sequence[bool] | None = None,
    ) -> list[Score]:
        """Grade one completion of each task.

        An exception of a trusted grader becomes a `GraderError`, which stops a run; folder,
        environment variables and global generators are afterwards as before. A grader that is not
        trusted runs in worker processes: what raises there, ends its process, takes longer than
        `grading_seconds` or more memory than `grading_memory_mb` gets a score that `failed`, and no
        other call notices. `docs/environments.md` says what that does not cover.
        """
        calls = calls_of(tasks, completions, truncated)
        if self.trusted_grader:
            with undisturbed():
                return [grade(self, *call) for call in calls]
        return workers_of(self).grade(calls)

    @property
    @final
    def multi_turn(self) -> bool:
        """Whether an attempt may take more than one reply."""
        return type(self).start is not Environment.start

    @final
    def describe(self) -> dict[str, Any]:
        """What `rlskills env show` prints."""
        return {
            "name": self.name,
            "version": self.version,
            "summary": (type(self).__doc__ or "").strip().split("\n")[0],
            "levels": len(self.levels),
            "splits": list(self.holdout.splits),
            "config": {item.name: getattr(self.base, item.name) for item in fields(self.base)},
        }

    def _configured(self, base: Any, overrides: Mapping[str, Any]) -> Any:
        try:
            return replace(base, **typed(overrides, type(base), self.name))
        except (TypeError, ValueError) as error:
            raise UserError(f"{self.name}: {error}") from error


def _names_reward(reward: Any) -> bool:
    """Whether a reward was given as a preset's name or as text like `answer:1,format:0.1`."""
    return isinstance(reward, str) and not reward.startswith("{")


def _remade(spec: Spec) -> Environment:
    return ENVIRONMENTS.found_again(spec.name)(**spec.options)


ENVIRONMENTS: Registry[Environment] = Registry(
    "environment", Environment, group="rlskills.environments", adapters="rlskills.adapters"
)
"""Where environments are found by name; adapters make those of names like `rg:NAME`."""

__all__ = ["ENVIRONMENTS", "SPLITS", "EmptySplit", "Environment", "GraderError"]
