"""Fixed eval sets: the same problems for every arm, never chosen by a curriculum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..environments import Environment, Task, digest

SHOWN = 16
"""Of so many first tasks a record keeps prompt and completion: records are committed, and these are
most of their bytes."""


@dataclass(frozen=True)
class EvalSet:
    """The tasks of one cell of a results table: a group of problems at one level."""

    group: str
    level: int
    split: str
    tasks: tuple[Task, ...]
    env: Environment
    shown: int = SHOWN
    """Of so many of its first tasks texts are kept."""

    @property
    def tag(self) -> str:
        """The prefix of this eval set's TensorBoard tags."""
        return f"eval/{self.group}/L{self.level}"

    def part(self, which: slice) -> EvalSet:
        """Some of the tasks, in order, a process's share for example; texts are kept of those that
        they are kept of in the whole set."""
        return replace(self, tasks=self.tasks[which], shown=len(range(self.shown)[which]))


def make_eval_sets(
    groups: Mapping[str, Environment], levels: Iterable[int], count: int, split: str = ""
) -> list[EvalSet]:
    """`count` tasks for each group and level, of `split`, or of the split that measures a level."""
    eval_sets = []
    for group, env in groups.items():
        for level in levels:
            owner = split or env.evaluation_split(level)
            tasks = tuple(env.task(owner, level, index) for index in range(count))
            eval_sets.append(EvalSet(group, level, owner, tasks, env))
    return eval_sets


def eval_sets_digest(eval_sets: list[EvalSet]) -> str:
    """One digest for all eval sets; equal digests mean comparable results."""
    return digest([[p.group, p.level, [(t.key, t.text) for t in p.tasks]] for p in eval_sets])
