"""`Environment`: two pure functions (make a problem, verify an answer) and the levels as data.

A subclass writes `make`, and `verify` if equality with the answer is not the rule. Everything else
(random access by address, splits, scoring, demonstrations) is provided and final.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, ClassVar, final

from ..errors import UnknownName, UserError
from .episode import Episode
from .parsing import answer_block, strictly_formed
from .rewards import reward_weights
from .scoring import GraderError, calls_of, grade
from .seeding import digest, rng_of
from .skills import prerequisites_of
from .splits import SPLITS, Holdout, hashed_split
from .types import JSON, Draft, Score, Task

REDRAWS = 5_000
"""Draws after which a split is declared empty at a level, rather than looping for ever."""


class EmptySplit(UserError):
    """No task of this split was found at this level, and perhaps there is none."""


class Environment:
    """Base class of every environment; see `docs/environments.md` for the author's path."""

    @dataclass(frozen=True)
    class Config:
        """What a level sets. A subclass puts its own fields here."""

    name: ClassVar[str] = ""
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
    grading_workers: int = 0
    """Processes that grade, where the grader is not trusted; 0: one a core, at most 4."""
    source: ClassVar[str] = ""
    """How another process finds this class, where its module and its name do not say."""

    def __init__(
        self, *, seed: int = 0, reward: str | Mapping[str, float] = "binary", **config: Any
    ) -> None:
        self.seed = seed
        self.weights = reward_weights(reward, self.reward_components)
        self.base = self._configured(self.Config(), config)
        self.configs = [self._configured(self.base, level) for level in self.levels]
        self._shown = [repr(cfg) for cfg in self.configs]

    # What an author writes.

    def make(self, rng: random.Random, cfg: Any) -> Draft:
        """Draw one problem from `rng` alone, under one level's `Config`."""
        raise NotImplementedError(f"{type(self).__name__} does not define make(rng, cfg)")

    def sample_for_split(self, rng: random.Random, cfg: Any, split: str) -> Draft | None:
        """Draw a problem that this split is likely to own; None if it can own none under `cfg`.

        Worth defining where `make` seldom draws what a split owns. Ownership is verified, and what
        another split owns is drawn again, so this may be wrong, but not return None wrongly.
        """
        return self.make(rng, cfg)

    def pairs(self, of: Draft | Task) -> Sequence[tuple[str, str]]:
        """The ordered pairs of skills (f, g) in which g takes what f returns, for hold-outs by
        pair. Default: neighbours in `skills`, which is right for chains only."""
        return tuple(pairwise(of.skills))

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

    def component_scores(self, task: Task, answer: str) -> Mapping[str, float]:
        """Parts of the score beside `verify`, in [0, 1], by the names in `reward_components`."""
        return {}

    def solution(self, task: Task) -> str:
        """A worked solution that scores correct, for supervised training. Default: the answer."""
        return self.answer_only(task)

    def answer_only(self, task: Task) -> str:
        """The bare answer in the form `parse` reads, for supervised training without steps."""
        return f"<answer>{task.answer}</answer>"

    def start(self, task: Task) -> Episode:
        """A fresh attempt at a task. Default: one reply, which is the answer."""
        return Episode(self, task)

    def replies(self, task: Task) -> Sequence[str]:
        """What an expert replies, turn by turn, for supervised training. Default: the solution."""
        return (self.solution(task),)

    def skills(self) -> Sequence[str]:
        """All skills that a task may use, where that is known."""
        return ()

    def compose(self, rng: random.Random, cfg: Any, skills: tuple[str, ...]) -> Draft | None:
        """A problem of exactly these skills, in this evaluation order; None if there is none."""
        return None

    def behaviours(self) -> Mapping[str, Callable[[Any], Any]]:
        """What each skill does to a case of `cases`, where that can be computed."""
        return {}

    def cases(self, rng: random.Random) -> Iterator[Any]:
        """Inputs to compare the behaviours of skills on, without end."""
        return iter(())

    def prerequisites(
        self, levels: Iterable[int], split: str = "train", draws: int = 500
    ) -> Mapping[str, tuple[str, ...]]:
        """What each composition is composed of, for schedulers that use a prerequisite graph.

        Found in the first `draws` tasks of each level; see `skills.prerequisites_of` for names.
        """
        tasks = (self.task(split, level, index) for level in levels for index in range(draws))
        return prerequisites_of(tasks)

    def evaluation_split(self, level: int) -> str:
        """The split whose tasks measure this level; for most environments `test`."""
        return "test"

    def by_skill(self) -> Mapping[str, Environment]:
        """This environment in parts, by the skill that their problems apply last.

        A curriculum can then choose between skills and not only between levels. Default: no parts.
        """
        return {}

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
        place = (self._shown[level - 1], split, level, index)
        rng = rng_of(self.seed, self.name, self.version, *place)
        end = time.monotonic() + patience
        for _ in range(REDRAWS):
            draft = self.sample_for_split(rng, cfg, split)
            if draft is None:
                raise EmptySplit(f"{self.name}: split {split!r} is empty at level {level} ({cfg})")
            task = self.task_of(draft, split, level, index)
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

        An exception of a trusted grader becomes a `GraderError`, which stops a run. A grader that
        is not trusted runs in worker processes: what raises there, ends its process or takes
        longer than `grading_seconds` gets a score that `failed`, and no other call notices.
        """
        calls = calls_of(tasks, completions, truncated)
        if self.trusted_grader:
            return [grade(self, *call) for call in calls]
        from .isolation.workers import workers_of

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
            "config": {one.name: getattr(self.base, one.name) for one in fields(self.base)},
        }

    def _configured(self, base: Any, overrides: Mapping[str, Any]) -> Any:
        known = {one.name for one in fields(base)}
        for name in overrides:
            if name not in known:
                raise UnknownName(f"option of {self.name}", name, sorted(known))
        try:
            return replace(base, **overrides)
        except (TypeError, ValueError) as error:
            raise UserError(f"{self.name}: {error}") from error


__all__ = ["SPLITS", "EmptySplit", "Environment", "GraderError"]
