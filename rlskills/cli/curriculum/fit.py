"""`rlskills curriculum fit`: the simulated learner fitted to logged training runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tyro

from ...console import Console, progress
from ...errors import UserError
from ...report.curriculum_log import logged_curricula
from ...simulation.fitting import Fit, Logged, distances, fit
from ...simulation.regime_file import SUFFIX, write_regime
from ...simulation.trained import TRAINED
from ...tables import print_table

HEADER = ("curriculum", "used", "before", "after")


def curriculum_fit(
    study: tyro.conf.Positional[Path],
    /,
    regime: str = "few_groups",
    left_out: tuple[str, ...] = (),
    group: str = "train",
    seeds: int = 6,
    tries: int = 120,
    output: Path = Path("regime.json"),
) -> None:
    """Fit a regime of the simulated learner to runs of the recipe `curricula`, and write it.

    The file is named where regimes are: `rlskills curriculum bench --regimes regime.json`.
    Distances are root mean squares of accuracies at levels 2 to 4 and of shares of groups without
    variance.

    Args:
        study: The study's folder.
        regime: What to begin with, which says what the pool holds: few_groups (distractors told
            apart by labels), few_groups_hidden (which wear labels of others), few_groups_open
            (none).
        left_out: Curricula that are not fitted to: how far off they are says whether it predicts.
        group: Eval sets whose levels 2 to 4 are measured.
        seeds: Simulated worlds.
        tries: Regimes to simulate at most.
        output: The file.
    """
    if regime not in TRAINED:
        raise UserError(f"--regime is one of {', '.join(TRAINED)}, not {regime!r}")
    if seeds < 1 or tries < 1 or output.suffix != SUFFIX:
        raise UserError(f"--seeds and --tries must be at least 1, and --output end with {SUFFIX}")
    console, logs = Console(), logged_curricula(study, group)
    if unknown := set(left_out) - {log.method for log in logs}:
        known = ", ".join(log.method for log in logs)
        raise UserError(f"not logged: {', '.join(sorted(unknown))}; there are {known}")
    used = [log for log in logs if log.method not in left_out]
    with progress("fit", tries, 0, console) as advance:
        found = fit(
            TRAINED[regime], used, range(seeds), tries,
            lambda done, distance: advance(min(done, tries), f"distance {distance:.2f}"),
        )  # fmt: skip
    named = replace(found.regime, name=output.stem, about=f"{regime} fitted to {study.name}")
    print_table(console, HEADER, _rows(logs, found, range(seeds), regime), keys=2)
    console.say(f"written: {write_regime(named, output)}")


def _rows(
    logs: Sequence[Logged], found: Fit, seeds: Sequence[int], regime: str
) -> list[tuple[str, ...]]:
    left = [log for log in logs if log.method not in found.distances]
    before = found.before | distances(TRAINED[regime], left, seeds)
    after = found.distances | distances(found.regime, left, seeds)
    return [
        (log.method, "yes" if log.method in found.distances else "no",
         f"{before[log.method]:.3f}", f"{after[log.method]:.3f}")
        for log in logs
    ]  # fmt: skip
