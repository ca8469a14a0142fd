"""Many different problems of one level: for files of problems, and to see how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import UserError
from .environment import Environment
from .types import Task

PATIENCE = 5
"""Repeats in a row, as a multiple of the problems found so far, after which there are no more."""


class TooFew(UserError):
    """A level has fewer different problems than were asked for."""


def unique_tasks(
    env: Environment,
    split: str,
    level: int,
    count: int,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Task]:
    """The first `count` different problems of a level, by key, in the order of their addresses.

    `progress` receives their number after each problem. Raises `TooFew` after so many draws in a
    row without a new problem that the level must be (nearly) exhausted: with `n` of `n + 1`
    equally likely problems seen, that happens with a chance below 1 %.
    """
    seen: set[str] = set()
    repeats = index = 0
    while len(seen) < count:
        task = env.task(split, level, index)
        index += 1
        if task.key in seen:
            repeats += 1
            if repeats > PATIENCE * len(seen) + 100:
                raise TooFew(
                    f"{env.name} has only about {len(seen)} different problems in {split} at level "
                    f"{level}: the last {repeats} of {index} draws brought no new one, and {count} "
                    "were asked for"
                )
            continue
        seen.add(task.key)
        repeats = 0
        if progress is not None:
            progress(len(seen))
        yield task
