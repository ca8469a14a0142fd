"""Tables of the recipe `curricula`: when each reached an accuracy, and where its rollouts went."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from scipy.stats import spearmanr

from rlskills.experiments.group import processes
from rlskills.report.logged import means_table
from rlskills.report.reached import reached_table, speedups
from rlskills.simulation.jobs import jobs_of, run_jobs
from rlskills.simulation.methods import find_regimes, inspected
from rlskills.simulation.ranking import score
from rlskills.stats import Interval
from rlskills.tables import markdown
from rlskills_recipes.pools import Plan

FEW = 3
"""Methods beside uniform below which a rank correlation says nothing."""


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
    if plan.regime and len(methods) > FEW:
        trained = speedups(folders, tags, sorted(targets)[len(targets) // 2])
        tables.append(beside_simulation(trained, plan.regime, output / "simulated"))
    (output / "reached.md").write_text("\n".join(tables))
    print("\n".join(tables))


def beside_simulation(
    trained: Mapping[str, Interval], regime: str, folder: Path, seeds: Sequence[int] = range(20)
) -> str:
    """Markdown: speed-ups over uniform in training and on the simulated learner fitted to it.

    Below it Spearman's rank correlation of both over the methods; uniform does not count.
    """
    methods = [inspected(spec) for spec in dict.fromkeys(["uniform", *trained])]
    jobs = jobs_of(methods, find_regimes([regime]), seeds, folder)
    found = {one.cell.method.spec: one.gain for one in score(run_jobs(jobs, 1, lambda *_: None))}
    rows = [(spec, f"{gain:.2f}", f"{found[spec]:.2f}") for spec, gain in trained.items()]
    table = markdown(("curriculum", "in training", f"simulated: {regime}"), rows, numbers_from=1)
    ranked = [(gain.mean, found[spec].mean) for spec, gain in trained.items() if spec != "uniform"]
    there, here = zip(*ranked, strict=True)
    rank = spearmanr(there, here)[0]
    return f"{table}\nRank correlation over {len(ranked)} methods: {rank:.2f}.\n"
