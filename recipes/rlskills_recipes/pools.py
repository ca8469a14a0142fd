"""The pools that curricula are compared on."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rlskills import environments
from rlskills.curricula import Labels
from rlskills.environments import Environment
from rlskills.training.stream import Source, spread, units_of
from rlskills_envs.distractors import Coin, Impossible
from rlskills_recipes.string_world import World

PoolName = Literal["mixed", "disguised", "open", "three"]
LEVELS = (1, 2, 3, 4, 5)
WORLD = World()


@dataclass(frozen=True)
class Plan:
    """A pool, and how what is learned from it is measured."""

    units: Mapping[str, Source]
    groups: Mapping[str, Environment] = field(
        default_factory=lambda: {"train": WORLD.calls("train")}
    )
    levels: tuple[int, ...] = (2, 3, 4)
    """Accuracy is the mean over these levels of all groups."""
    lessons: Mapping[str, tuple[Source, float]] = field(default_factory=dict)
    """What the base is shown solved before, with weights; empty: it is taken as it is."""
    regime: str = ""
    """Of the simulated learner, if one was fitted to this pool."""


def open_pool() -> Plan:
    """All train functions at levels 1 to 5, and nothing else."""
    return Plan(units_of(WORLD.calls("train"), "train", LEVELS), regime="few_groups_open")


def mixed_pool() -> Plan:
    """The open pool among mastered, impossible and coin-flip units, all of level 1."""
    units = dict(open_pool().units)
    for skill, part in WORLD.calls("common").by_skill().items():
        units[f"mastered {skill}"] = Source(part, "train", 1, skill, "mastered")
    for useless in (Impossible, Coin):
        for n in range(32):
            env = useless(function=f"{useless.letter}{n:02d}")
            units[f"{env.name} {n}"] = Source(env, "train", 1, kind=env.name)
    return Plan(units, regime="few_groups")


def disguised_pool() -> Plan:
    """The mixed pool, whose useless units are told to be of units that can be learned."""
    rng, skills = random.Random("disguised"), sorted(WORLD.calls("train").by_skill())
    units = mixed_pool().units
    told = {unit: Labels(rng.choice(LEVELS), (rng.choice(skills),))
            for unit, source in units.items() if source.kind}  # fmt: skip
    units = {unit: replace(one, told=told.get(unit)) for unit, one in units.items()}
    return Plan(units, regime="few_groups_hidden")


def three_pool() -> Plan:
    """Nested calls, rows of calls, and paths, which one small model has to keep apart.

    A cold start shows rows and paths of levels 1 and 2 solved, and single calls again.
    """
    groups = {"train": WORLD.calls("train"), "row": environments.load("string_row"),
              "graph_path": environments.load("graph_path", preset="tiny")}  # fmt: skip
    units, lessons = {}, {}
    for name, env in groups.items():
        units |= {f"{name} {unit}": replace(source, kind=name)
                  for unit, source in units_of(env, "train", (1, 2, 3, 4)).items()}  # fmt: skip
        lessons |= spread(name, env, (1,) if name == "train" else (1, 2), 1 / len(groups))
    return Plan(units, groups, (2, 3), lessons)


POOLS: Mapping[PoolName, Callable[[], Plan]] = {
    "mixed": mixed_pool, "disguised": disguised_pool, "open": open_pool, "three": three_pool
}  # fmt: skip
