"""The pools that curricula are compared on, and their tables."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from rlskills.curricula import Labels
from rlskills.experiments.group import processes
from rlskills.report.logged import means_table
from rlskills.report.reached import reached_table
from rlskills.training.stream import Source, units_of
from rlskills_envs.distractors import Coin, Impossible
from rlskills_recipes.string_world import World

PoolName = Literal["mixed", "disguised", "open"]
LEVELS = (1, 2, 3, 4, 5)
SHARES = ("kind/impossible", "kind/coin", "kind/mastered", "L2", "L3", "L4", "L5", "zero_variance")
"""What is said of where rollouts went; the rest of them were single calls to learn."""


def open_pool(world: World) -> dict[str, Source]:
    """All train functions at levels 1 to 5, and nothing else."""
    return units_of(world.calls("train"), "train", LEVELS)


def mixed_pool(world: World) -> dict[str, Source]:
    """The open pool among mastered, impossible and coin-flip units, all of level 1."""
    sources = open_pool(world)
    for skill, part in world.calls("common").by_skill().items():
        sources[f"mastered {skill}"] = Source(part, "train", 1, skill, "mastered")
    for useless in (Impossible, Coin):
        for n in range(32):
            env = useless(function=f"{useless.letter}{n:02d}")
            sources[f"{env.name} {n}"] = Source(env, "train", 1, kind=env.name)
    return sources


def disguised_pool(world: World) -> dict[str, Source]:
    """The mixed pool, whose useless units are told to be of units that can be learned."""
    rng = random.Random("disguised")
    skills = sorted(world.calls("train").by_skill())
    return {
        unit: replace(source, told=Labels(rng.choice(LEVELS), (rng.choice(skills),)))
        if source.kind else source
        for unit, source in mixed_pool(world).items()
    }  # fmt: skip


POOLS: Mapping[str, Callable[[World], dict[str, Source]]] = {
    "mixed": mixed_pool, "disguised": disguised_pool, "open": open_pool
}  # fmt: skip


def arm_names(methods: Sequence[str]) -> dict[str, str]:
    """The curricula by the names of their arms."""
    return {re.sub(r"[^\w.-]+", "-", method).strip("-."): method for method in methods}


def print_reached(
    output: Path, seeds: Sequence[int], methods: Mapping[str, str], targets: Sequence[float]
) -> None:
    """Print, and write to reached.md, when each curriculum reached the targets."""
    if not processes().is_main_process:
        return
    folders = {method: [output / f"seed{seed}" / arm for seed in seeds]
               for arm, method in methods.items()}  # fmt: skip
    tags = [f"eval/train/L{level}/greedy" for level in (2, 3, 4)]
    tables = [reached_table(folders, tags, target) for target in targets]
    tables.append(means_table(folders, {name: f"curriculum/share/{name}" for name in SHARES}))
    (output / "reached.md").write_text("\n".join(tables))
    print("\n".join(tables))
