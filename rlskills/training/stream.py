"""From a curriculum's choices to tasks: the one stream that every trainer draws from.

Tasks are drawn at the moment they are needed, so a choice always knows all outcomes so far. The
position in every source and the curriculum's state are in `state_dict`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..curricula import Choice, Curriculum, Mixture, Outcome, Uniform
from ..tasks import Environment, Task


@dataclass(frozen=True)
class Source:
    """Where the tasks of one unit come from."""

    env: Environment
    split: str
    level: int


@dataclass(frozen=True)
class Drawn:
    """A task, the choice that led to it and the environment that grades it."""

    choice: Choice
    task: Task
    env: Environment


def mixture(parts: Mapping[str, tuple[Source, float]], seed: int) -> TaskStream:
    """Tasks from several sources with fixed weights, by unit name."""
    weights = {unit: weight for unit, (_, weight) in parts.items()}
    sources = {unit: source for unit, (source, _) in parts.items()}
    return TaskStream(sources, Mixture(weights, seed))


def uniform(env: Environment, split: str, levels: Sequence[int], seed: int) -> TaskStream:
    """Tasks of some levels of one environment, equally often."""
    sources = {f"L{level}": Source(env, split, level) for level in levels}
    return TaskStream(sources, Uniform(list(sources), seed))


class TaskStream:
    """Endless tasks, chosen by `curriculum` among `sources` (by unit name)."""

    def __init__(self, sources: Mapping[str, Source], curriculum: Curriculum) -> None:
        self.sources = dict(sources)
        self.curriculum = curriculum
        self.position = dict.fromkeys(self.sources, 0)

    def draw(self, count: int) -> list[Drawn]:
        """The next `count` tasks; each address of a source is given out once."""
        drawn = []
        for choice in self.curriculum.sample(count):
            source = self.sources[choice.unit]
            index = self.position[choice.unit]
            self.position[choice.unit] = index + 1
            task = source.env.task(source.split, source.level, index)
            drawn.append(Drawn(choice, task, source.env))
        return drawn

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Pass results on to the curriculum."""
        self.curriculum.observe(outcomes)

    def state_dict(self) -> dict[str, Any]:
        """JSON-safe state."""
        return {"position": dict(self.position), "curriculum": self.curriculum.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken."""
        self.curriculum.load_state_dict(state["curriculum"])
        self.position = dict(state["position"])
