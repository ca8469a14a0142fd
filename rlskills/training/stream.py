"""From a curriculum's choices to tasks: the one stream that every trainer draws from.

Tasks are drawn at the moment they are needed, so a choice always knows all outcomes so far. The
position in every source and the curriculum's state are in `state_dict`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..curricula import Choice, Curriculum, Mixture, Outcome, Pool, Uniform, make
from ..curricula.monitor import CurriculumMonitor
from ..environments import Environment, Task

COLD_START = 2**40
"""First address of a supervised phase before RL, far from any that RL reaches."""


@dataclass(frozen=True)
class Source:
    """Where the tasks of one unit come from."""

    env: Environment
    split: str
    level: int
    skill: str = ""
    """The skill that all its problems apply last, where a unit is that narrow."""
    kind: str = ""
    """A name for the log, e.g. of what is known beforehand to be impossible."""

    @property
    def rows(self) -> list[str]:
        """What its outcomes are summed up in."""
        skill, kind = [f"skill/{self.skill}"], [f"kind/{self.kind}"]
        return [f"L{self.level}", *(skill if self.skill else []), *(kind if self.kind else [])]


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
    return TaskStream(sources, Mixture(list(weights), seed, weights=weights))


def spread(
    name: str, env: Environment, levels: Sequence[int], share: float
) -> dict[str, tuple[Source, float]]:
    """Parts `NAME/L2` of a mixture: training tasks of some levels, which have `share` together."""
    return {
        f"{name}/L{level}": (Source(env, "train", level), share / len(levels)) for level in levels
    }


def uniform(
    env: Environment, split: str, levels: Sequence[int], seed: int, start: int = 0
) -> TaskStream:
    """Tasks of some levels of one environment, equally often."""
    sources = {f"L{level}": Source(env, split, level) for level in levels}
    return TaskStream(sources, Uniform(list(sources), seed), start)


def units_of(env: Environment, split: str, levels: Sequence[int]) -> dict[str, Source]:
    """Units `SKILL@L2` by last skill and level where the environment has such parts, else `L2`."""
    parts = env.signatures()
    if not parts:
        return {f"L{level}": Source(env, split, level) for level in levels}
    return {
        f"{skill}@L{level}": Source(part, split, level, skill)
        for level in levels
        for skill, part in parts.items()
    }


def taught(sources: Mapping[str, Source], spec: str, seed: int, **options: Any) -> TaskStream:
    """Tasks chosen by the curriculum that `spec` names (see `curricula.make`).

    It is told levels, skills and prerequisites: a unit's are the same skill one level below, or
    where units are levels, that level. What it uses of them is its information tier.
    """
    places = {(one.skill, one.level, one.kind): unit for unit, one in sources.items()}
    below = {
        unit: places.get((one.skill, one.level - 1, one.kind)) for unit, one in sources.items()
    }
    pool = Pool(
        tuple(sources),
        {unit: one.level for unit, one in sources.items()},
        {unit: (before,) for unit, before in below.items() if before},
        {unit: (one.skill,) for unit, one in sources.items() if one.skill},
    )
    return TaskStream(sources, make(spec, pool, seed, **options))


class TaskStream:
    """Endless tasks, chosen by `curriculum` among `sources` (by unit name)."""

    def __init__(
        self, sources: Mapping[str, Source], curriculum: Curriculum, start: int = 0
    ) -> None:
        """`start` is the first address of every source.

        Two streams over the same sources draw the same problems unless they start far apart; a
        cold start begins at `COLD_START`, so that RL is not asked what was shown solved.
        """
        self.sources = dict(sources)
        self.curriculum = curriculum
        self.start = start
        self.position = dict.fromkeys(self.sources, start)
        self.watch = CurriculumMonitor({unit: source.rows for unit, source in self.sources.items()})

    def draw(self, count: int, group: int = 0) -> list[Drawn]:
        """The next `count` tasks; each address of a source is given out once.

        With groups of `group` rollouts, a choice that wishes for more rollouts than one group has
        gets its task as often as comes nearest, at the cost of the choices behind it.
        """
        drawn: list[Drawn] = []
        for choice in self.curriculum.sample(count):
            if len(drawn) == count:
                break
            source = self.sources[choice.unit]
            index = self.position[choice.unit]
            self.position[choice.unit] = index + 1
            task = source.env.task(source.split, source.level, index)
            times = round(choice.rollouts / group) if group and choice.rollouts else 1
            drawn += [Drawn(choice, task, source.env)] * min(max(times, 1), count - len(drawn))
        return drawn

    @property
    def problems(self) -> int:
        """How many tasks were drawn so far."""
        return sum(index - self.start for index in self.position.values())

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Pass results on to the curriculum, and keep count of them."""
        self.curriculum.observe(outcomes)
        self.watch.observe(outcomes)

    def metrics(self) -> dict[str, float]:
        """What the teacher does, for the log."""
        return self.watch.metrics(self.curriculum.probabilities())

    def state_dict(self) -> dict[str, Any]:
        """JSON-safe state."""
        return {
            "position": dict(self.position),
            "curriculum": self.curriculum.state_dict(),
            "watch": self.watch.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken."""
        self.curriculum.load_state_dict(state["curriculum"])
        self.watch.load_state_dict(state["watch"])
        self.position = dict(state["position"])
