"""From results to claims: speed-ups with intervals, and who is first among equals.

Every comparison is paired by seed: same world, same draws. Intervals are 95 % percentile bootstrap
over seeds, every method on the same resamples. Runs that never solved their world count as
having taken the whole budget, so a speed-up against a baseline that never did is a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..stats import Interval, bootstrap
from .box import BoxRegime
from .jobs import JobResult
from .methods import BASELINE, REFERENCE
from .world import Floats


@dataclass(frozen=True)
class Score:
    """One method in one regime."""

    cell: JobResult
    gain: Interval
    """Against uniform: ratio of rollouts to mastery; in a box, of areas under the curve."""
    auc: Interval
    solved: int
    first: bool
    """First in its information tier, or within noise of the first by the paired interval."""


def score(cells: Sequence[JobResult]) -> list[Score]:
    """Scores of the methods of one regime, in the order of `cells`; uniform must be among them."""
    logs = {cell.method.spec: _log_merit(cell) for cell in cells}
    baseline = logs[BASELINE]
    tiers: dict[str, list[str]] = {}
    for cell in cells:
        tiers.setdefault(cell.information, []).append(cell.method.spec)
    first = {spec for tier in tiers.values() for spec in _first(tier, logs)}
    return [
        Score(
            cell,
            bootstrap(logs[cell.method.spec] - baseline, "seeds").map(np.exp),
            bootstrap([result.auc for result in cell.results], "seeds"),
            sum(result.mastery is not None for result in cell.results),
            cell.method.spec in first and cell.method.spec != REFERENCE,
        )
        for cell in cells
    ]


def _log_merit(cell: JobResult) -> Floats:
    """By seed, larger is better: minus log rollouts to mastery; in a box, log of the area."""
    if isinstance(cell.regime, BoxRegime):
        return np.log([max(result.auc, 1e-4) for result in cell.results])
    budget = cell.protocol.budget
    rollouts = [budget if r.mastery is None else r.mastery for r in cell.results]
    return -np.log(rollouts)


def _first(tier: Sequence[str], logs: dict[str, Floats]) -> list[str]:
    best = max(tier, key=lambda spec: float(logs[spec].mean()))
    return [spec for spec in tier if bootstrap(logs[best] - logs[spec], "seeds").low <= 0]
