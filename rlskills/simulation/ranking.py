"""From results to claims: speed-ups with intervals, and who is first among equals.

Every comparison is paired by seed: same world, same draws. Intervals are 95 % percentile bootstrap
over seeds with the same resamples for all methods. Runs that never solved their world count as
having taken the whole budget, so a speed-up against a baseline that never did is a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .box import BoxRegime
from .jobs import JobResult
from .methods import BASELINE, REFERENCE
from .world import Floats

RESAMPLES = 4000


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True)
class Score:
    """One method in one regime."""

    cell: JobResult
    gain: Estimate
    """Against uniform: ratio of rollouts to mastery; in a box, of areas under the curve."""
    auc: Estimate
    solved: int
    first: bool
    """First in its information tier, or not told from the first by the paired interval."""


def score(cells: Sequence[JobResult]) -> list[Score]:
    """Scores of the methods of one regime, in the order of `cells`; uniform must be among them."""
    logs = {cell.method.spec: _log_merit(cell) for cell in cells}
    resamples = _resamples(len(cells[0].results))
    baseline = logs[BASELINE]
    tiers: dict[str, list[str]] = {}
    for cell in cells:
        tiers.setdefault(cell.information, []).append(cell.method.spec)
    first = {spec for tier in tiers.values() for spec in _first(tier, logs, resamples)}
    return [
        Score(
            cell,
            _exp(paired(logs[cell.method.spec] - baseline, resamples)),
            paired(np.array([one.auc for one in cell.results]), resamples),
            sum(one.mastery is not None for one in cell.results),
            cell.method.spec in first and cell.method.spec != REFERENCE,
        )
        for cell in cells
    ]


def _log_merit(cell: JobResult) -> Floats:
    """By seed, larger is better: minus log rollouts to mastery; in a box, log of the area."""
    if isinstance(cell.regime, BoxRegime):
        return np.log([max(one.auc, 1e-4) for one in cell.results])
    budget = cell.protocol.budget
    return -np.log([budget if one.mastery is None else one.mastery for one in cell.results])


def _resamples(seeds: int) -> np.ndarray:
    return np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))


def paired(values: Floats, resamples: np.ndarray) -> Estimate:
    """Mean over seeds of paired `values`, with its bootstrap interval."""
    means = values[resamples].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(float(values.mean()), float(low), float(high))


def _exp(one: Estimate) -> Estimate:
    return Estimate(*(float(np.exp(x)) for x in (one.value, one.low, one.high)))


def _first(tier: Sequence[str], logs: dict[str, Floats], resamples: np.ndarray) -> list[str]:
    best = max(tier, key=lambda spec: float(logs[spec].mean()))
    return [spec for spec in tier if paired(logs[best] - logs[spec], resamples).low <= 0]
