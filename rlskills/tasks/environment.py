"""`Environment`: two pure functions (make a problem, verify an answer) and the levels as data.

A subclass writes `make`, and `verify` if equality with the answer is not the rule. Everything else
(random access by address, splits, scoring, demonstrations) is provided and final.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, final

from ..errors import UnknownName, UserError
from .episode import Episode
from .parsing import answer_block
from .rewards import reward_weights
from .seeding import digest, stream
from .splits import SPLITS, Holdout, hashed_owner
from .types import JSON, Draft, Score, Task

REDRAWS = 5_000
"""Draws after which a split is declared empty at a level, rather than looping for ever."""


class GraderError(UserError):
    """A grader raised. The run stops: a broken grader is neither right nor wrong."""


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

    def __init__(
        self, *, seed: int = 0, reward: str | Mapping[str, float] = "binary", **config: Any
    ) -> None:
        self.seed = seed
        self.weights = reward_weights(reward)
        self.base = self._configured(self.Config(), config)
        self.configs = [self._configured(self.base, level) for level in self.levels]

    # What an author writes.

    def make(self, rng: random.Random, cfg: Any) -> Draft:
        """Draw one problem from `rng` alone, under one level's `Config`."""
        raise NotImplementedError(f"{type(self).__name__} does not define make(rng, cfg)")

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

    def evaluation_split(self, level: int) -> str:
        """The split whose tasks measure this level; for most environments `test`."""
        return "test"

    # What is provided.

    @final
    def task(self, split: str, level: int, index: int) -> Task:
        """The task at this address: the same on every process, in any order of access."""
        cfg = self.config(level)
        if split not in self.holdout.splits:
            raise UnknownName(f"split of {self.name}", split, self.holdout.splits)
        rng = stream(self.seed, self.name, self.version, repr(cfg), split, level, index)
        for _ in range(REDRAWS):
            draft = self.make(rng, cfg)
            depth = draft.depth or level
            key = digest(self.name, self.version, self.identity(draft))
            if self.owner(draft.skills, depth, key) == split:
                return Task(
                    self.name, split, level, index, draft.prompt, draft.answer,
                    draft.skills, depth, draft.data, key,
                )  # fmt: skip
        raise EmptySplit(f"{self.name}: split {split!r} seems empty at level {level} ({cfg})")

    @final
    def tasks(self, split: str, level: int, start: int = 0) -> Iterator[Task]:
        """An endless stream of tasks from address `start` on."""
        while True:
            yield self.task(split, level, start)
            start += 1

    @final
    def owner(self, skills: tuple[str, ...], depth: int, key: str) -> str:
        """The one split that owns a problem with this content."""
        return self.holdout.owner(skills, depth) or hashed_owner(key, self.test_percent)

    @final
    def config(self, level: int) -> Any:
        """The `Config` of a level, counted from 1."""
        known = range(1, len(self.configs) + 1)
        if level not in known:
            raise UnknownName(f"level of {self.name}", level, known)
        return self.configs[level - 1]

    @final
    def score(self, task: Task, completion: str, *, truncated: bool = False) -> Score:
        """Grade one completion; an exception in `parse` or `verify` becomes a `GraderError`."""
        try:
            parsed = None if truncated else self.parse(completion)
            value = 0.0 if parsed is None else float(self.verify(task, parsed))
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"verify returned {value}, outside [0, 1]")
        except Exception as error:
            raise GraderError(
                f"the grader of {self.name} raised {type(error).__name__}: {error}"
                f"\n  task: {task.to_json()[:2000]}\n  completion: {completion[:2000]!r}"
            ) from error
        found = parsed is not None
        parts = {"answer": value, "format": float(found), "malformed": float(not found)}
        reward = sum(weight * parts.get(part, 0.0) for part, weight in self.weights.items())
        status = "truncated" if truncated else "ok" if found else "unparsed"
        return Score(value == 1.0, reward, parts, status, parsed)

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
