"""Fixed probes: the same problems for every arm, never chosen by a curriculum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..tasks import Environment, Task, digest


@dataclass(frozen=True)
class Probe:
    """The tasks of one cell of a results table: a group of problems at one level."""

    group: str
    level: int
    split: str
    tasks: tuple[Task, ...]
    env: Environment

    @property
    def tag(self) -> str:
        """The prefix of this probe's TensorBoard tags."""
        return f"eval/{self.group}/L{self.level}"


def make_probes(
    groups: Mapping[str, Environment], levels: Iterable[int], count: int
) -> list[Probe]:
    """`count` tasks for each group and level, from the split that measures it."""
    probes = []
    for group, env in groups.items():
        for level in levels:
            split = env.evaluation_split(level)
            tasks = tuple(env.task(split, level, index) for index in range(count))
            probes.append(Probe(group, level, split, tasks, env))
    return probes


def probes_digest(probes: list[Probe]) -> str:
    """One digest for all probes; equal digests mean comparable results."""
    return digest([[p.group, p.level, [(t.key, t.text) for t in p.tasks]] for p in probes])
