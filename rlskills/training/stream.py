"""From a curriculum's choices to tasks: the one stream that every trainer draws from.

Tasks are drawn at the moment they are needed, so a choice always knows all outcomes so far. The
position in every source and the curriculum's state are in `state_dict`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from ..curricula import Choice, Curriculum, Labels, Mixture, Outcome, Uniform, make, pool_of
from ..curricula.monitor import CurriculumMonitor
from ..environments import Environment, SkillMix, Task
from ..environments.skills import THEN, composition_graph
from ..errors import UserError
from ..spec import Spec

COLD_START = 2**40
"""First address of a supervised phase before RL, far from any that RL reaches."""
SEED_STRIDE = 2**44
"""Addresses between the problems of one seed of a study and those of the next."""
MOST_SKIPPED = 999
"""Tasks of a source that may be passed over on end, before it is taken to have no others."""
Accept: TypeAlias = Callable[[Environment, Task], bool]
"""Whether a task can be used."""
Units = Literal["auto", "level", "skill", "composition", "skill_mix"]
"""What a curriculum chooses between: `auto` takes skills and levels where an environment has parts
by skill, else levels. `skill_mix` takes levels whose problems are random sets of skills."""


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
    composition: str = ""
    """What all its problems compose, as `f>g`, where a unit is that narrow."""
    told: Labels | None = None
    """What a curriculum is told of it, where that is not the truth."""
    mixed: bool = False
    """Whether its problems are random sets of `level` different skills, all alike (`SkillMix`),
    where those of a level come as the environment makes them."""

    def task(self, index: int) -> Task:
        """Its problem at this address."""
        if self.mixed:
            return SkillMix(self.env, self.level, split=self.split).task(index)
        return self.env.task(self.split, self.level, index)

    @property
    def rows(self) -> list[str]:
        """What its outcomes are summed up in."""
        skill, kind = [f"skill/{self.skill}"], [f"kind/{self.kind}"]
        return [f"L{self.level}", *(skill if self.skill else []), *(kind if self.kind else [])]

    @property
    def labels(self) -> Labels:
        """What a curriculum may know of it."""
        if self.told:
            return self.told
        skills = tuple(self.composition.split(THEN)) if self.composition else (self.skill,)
        return Labels(self.level, tuple(filter(None, skills)), self.composition, self.kind)


@dataclass(frozen=True)
class Drawn:
    """A task, the choice that led to it and the environment that grades it."""

    choice: Choice
    task: Task
    env: Environment


def mixture(parts: Mapping[str, tuple[Source, float]], seed: int, start: int = 0) -> TaskStream:
    """Tasks from several sources with fixed weights, by unit name."""
    weights = {unit: weight for unit, (_, weight) in parts.items()}
    sources = {unit: source for unit, (source, _) in parts.items()}
    return TaskStream(sources, Mixture(list(weights), seed, weights=weights), start)


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


def units_of(
    env: Environment, split: str, levels: Sequence[int], by: Units = "auto"
) -> dict[str, Source]:
    """What a curriculum chooses between: units `L2`, `SKILL@L2`, `f>g` or `mix2`.

    By composition, levels are numbers of skills: every composition of so many skills that the split
    owns a problem of is a unit. So they are in a skill mix, of which each level is a unit: random
    skills, of which the split owns a problem in some order. All but levels need an environment that
    has such parts.
    """
    if by == "composition":
        parts = env.by_composition(sizes=levels, split=split)
        sources = {
            name: Source(part, split, name.count(THEN) + 1, name.split(THEN)[-1], "", name)
            for name, part in parts.items()
        }
    elif by == "skill_mix":
        sources = {f"mix{level}": Source(env, split, level, mixed=True) for level in levels}
        for source in sources.values():
            source.task(0)
    elif by == "level" or not (parts := env.by_skill()):
        sources = {f"L{level}": Source(env, split, level) for level in levels}
        if by == "skill":
            sources = {}
    else:
        sources = {
            f"{skill}@L{level}": Source(part, split, level, skill)
            for level in levels
            for skill, part in parts.items()
        }
    if not sources:
        raise UserError(f"{env.name} has no parts by {by}; take units by level")
    return sources


def taught(
    sources: Mapping[str, Source], spec: str | Spec, seed: int, start: int = 0, **options: object
) -> TaskStream:
    """Tasks chosen by the curriculum that `spec` names (see `curricula.make`).

    It may know levels, skills and prerequisites: of a composition its parts, and of any unit the
    same at the next lower level. What it uses of them is its `information`.
    """
    names = [source.composition for source in sources.values() if source.composition]
    graph = composition_graph(tuple(name.split(THEN)) for name in names)
    pool = pool_of({unit: source.labels for unit, source in sources.items()}, graph)
    return TaskStream(sources, make(spec, pool, seed, **options), start)


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
        self.skipped = 0
        """Tasks that were drawn and not given out, since they were not accepted."""
        self.monitor = CurriculumMonitor({unit: s.rows for unit, s in self.sources.items()})

    def move(self, by: int) -> None:
        """Give out the tasks `by` addresses further on; for a stream that has given out none."""
        self.start += by
        self.position = {unit: index + by for unit, index in self.position.items()}

    def draw(self, count: int, group: int = 0, accept: Accept | None = None) -> list[Drawn]:
        """The next `count` tasks; each address of a source is given out once, and again only where
        the curriculum names it.

        With groups of `group` rollouts, a choice that asks for more rollouts than one group has
        repeats its task round(rollouts / group) times; trailing choices are dropped, so that
        `count` tasks are returned. In place of a task that `accept` refuses the source gives its
        next one; if it refuses too many on end, that is a `UserError`.
        """
        drawn: list[Drawn] = []
        for choice in self.curriculum.sample(count):
            if len(drawn) == count:
                break
            source = self.sources[choice.unit]
            if choice.problem is None:
                task = self._next(choice.unit, source, accept)
                choice = replace(choice, problem=task.index)
            else:
                task = source.task(choice.problem)
            times = round(choice.rollouts / group) if group and choice.rollouts else 1
            drawn += [Drawn(choice, task, source.env)] * min(max(times, 1), count - len(drawn))
        return drawn

    def _next(self, unit: str, source: Source, accept: Accept | None) -> Task:
        for _ in range(MOST_SKIPPED + 1):
            index = self.position[unit]
            self.position[unit] = index + 1
            task = source.task(index)
            if accept is None or accept(source.env, task):
                return task
            self.skipped += 1
        raise UserError(
            f"{MOST_SKIPPED + 1} problems of {source.env.name} (level {source.level}) on end are "
            "too long for the model"
        )

    @property
    def problems(self) -> int:
        """How many tasks were drawn so far."""
        return sum(index - self.start for index in self.position.values())

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Pass results on to the curriculum, and keep count of them."""
        self.curriculum.observe(outcomes)
        self.monitor.observe(outcomes)

    def metrics(self) -> dict[str, float]:
        """What the curriculum does, for the log: the same for all, and its own under `method/`."""
        own = {f"method/{name}": value for name, value in self.curriculum.metrics().items()}
        return self.monitor.metrics(self.curriculum.probabilities()) | own

    def state_dict(self) -> dict[str, Any]:
        """JSON-safe state."""
        return {
            "position": dict(self.position),
            "curriculum": self.curriculum.state_dict(),
            "monitor": self.monitor.state_dict(),
            "skipped": self.skipped,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken."""
        self.curriculum.load_state_dict(state["curriculum"])
        self.monitor.load_state_dict(state["monitor"])
        self.position = dict(state["position"])
        self.skipped = int(state.get("skipped", 0))
