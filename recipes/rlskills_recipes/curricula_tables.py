"""Tables of the recipe `curricula`: when each reached an accuracy, and where its rollouts went."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from rlskills.experiments.group import processes
from rlskills.report.logged import means_table
from rlskills.report.reached import reached_table
from rlskills_recipes.pools import Plan


def arm_names(methods: Sequence[str]) -> dict[str, str]:
    """The curricula by the names of their arms."""
    return {re.sub(r"[^\w.-]+", "-", method).strip("-."): method for method in methods}


def shares_of(plan: Plan) -> tuple[str, ...]:
    """What is said of where rollouts went: by kind of useless unit, and by level of the others."""
    kinds = dict.fromkeys(f"kind/{unit.kind}" for unit in plan.units.values() if unit.kind)
    levels = sorted({unit.level for unit in plan.units.values() if not unit.kind})
    return (*kinds, *(f"L{level}" for level in levels if level > 1), "zero_variance")


def print_reached(
    output: Path,
    seeds: Sequence[int],
    methods: Mapping[str, str],
    targets: Sequence[float],
    plan: Plan,
) -> None:
    """Print, and write to reached.md, when each curriculum reached the targets."""
    if not processes().is_main_process:
        return
    folders = {method: [output / f"seed{seed}" / arm for seed in seeds]
               for arm, method in methods.items()}  # fmt: skip
    tags = [f"eval/{group}/L{level}/greedy" for group in plan.groups for level in plan.levels]
    tables = [reached_table(folders, tags, target) for target in targets]
    shares = {name: f"curriculum/share/{name}" for name in shares_of(plan)}
    tables.append(means_table(folders, shares))
    (output / "reached.md").write_text("\n".join(tables))
    print("\n".join(tables))
