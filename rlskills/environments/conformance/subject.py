"""What conformance checks stand on: an environment, tasks drawn from it, and how to report.

The checks themselves are in the other modules of this package.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ...spec import Spec
from ..environment import EmptySplit, Environment, GraderError
from ..types import Task

SPREAD = 6
"""Tasks that hostile strings are tried on, over as many levels and splits as that allows."""


@dataclass(frozen=True)
class Finding:
    """What one check found. `level` is `ok`, `warning` or `failure`; `task` is JSON."""

    check: str
    level: str
    message: str
    task: str | None = None


class Problem(NamedTuple):
    """One thing wrong, and the task that shows it."""

    message: str
    task: Task | None = None
    level: str = "failure"


Problems: TypeAlias = Generator[Problem, None, str]
"""A check yields problems and returns one line that says what it looked at."""


@dataclass(frozen=True)
class Subject:
    """What the checks share: the environment, tasks drawn from it, and how hard to look."""

    env: Environment
    junk: int
    per_level: int
    draws: int
    golden: Path | None = None
    broken: dict[tuple[str, int], Exception] = field(default_factory=dict)
    """Exceptions met while drawing, by split and level."""

    @property
    def spec(self) -> Spec:
        """How a fresh process loads the environment again."""
        return self.env.spec

    @cached_property
    def drawn(self) -> dict[tuple[str, int], list[Task]]:
        """A few tasks of every split and level; an empty split gives an empty list."""
        found: dict[tuple[str, int], list[Task]] = {}
        for split in self.env.holdout.splits:
            for level in range(1, len(self.env.configs) + 1):
                try:
                    found[split, level] = draw(
                        self.env, split, level, self.per_level, patience=self.env.drawing_seconds
                    )
                except Exception as error:
                    self.broken[split, level], found[split, level] = error, []
        return found

    @cached_property
    def sample(self) -> list[Task]:
        """All those tasks in one list."""
        return _Watched(task for tasks in self.drawn.values() for task in tasks)

    @cached_property
    def spread(self) -> list[Task]:
        """At most `SPREAD` of them, far apart."""
        firsts = [tasks[0] for tasks in self.drawn.values() if tasks]
        return firsts[:: max(1, -(-len(firsts) // SPREAD))]

    @cached_property
    def training(self) -> dict[int, list[Task]]:
        """Up to `draws` training tasks of every level, or those of a few seconds."""
        return {
            level: draw(self.env, split, level, self.draws, seconds=3)
            for (split, level), tasks in self.drawn.items()
            if split == "train" and tasks
        }


class _Watched(list[Task]):
    """Tasks that a check goes through; each of them is progress."""

    def __iter__(self) -> Iterator[Task]:
        for task in super().__iter__():
            progress()
            yield task


_listeners: list[Callable[[], None]] = []


def progress() -> None:
    """Say that a check goes on, to whoever waits for it in another process."""
    for listener in _listeners:
        listener()


def on_progress(listener: Callable[[], None]) -> None:
    """Have `listener` called at every progress, from now on."""
    _listeners.append(listener)


def draw(
    env: Environment,
    split: str,
    level: int,
    count: int,
    seconds: float = float("inf"),
    patience: float = float("inf"),
) -> list[Task]:
    """The first `count` tasks, fewer when the split runs dry or the time is up.

    `patience` is the time in seconds that one task may be looked for.
    """
    end, found = time.perf_counter() + seconds, []
    try:
        while len(found) < count and (not found or time.perf_counter() < end):
            found.append(env.task(split, level, len(found), patience=patience))
            progress()
    except EmptySplit:
        pass
    return found


def raised(error: BaseException) -> str:
    """An exception in one line; for a `GraderError`, the one behind it."""
    if isinstance(error, GraderError) and error.__cause__ is not None:
        return f"the grader raised {type(error.__cause__).__name__}: {error.__cause__}"
    return f"raised {type(error).__name__}: {error}"


def address(task: Task) -> tuple[str, int, int]:
    """Where a task is drawn again."""
    return task.split, task.level, task.index
