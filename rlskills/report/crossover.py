"""Learning curves over seeds, and the budget at which one arm passes another for good.

"Passes" means: from there to the end of the longer curve the one mean is above the other. A curve
that has ended keeps its last value, for that arm had nothing more to spend; before its first
evaluation nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..runs.folder import BASE
from ..runs.tags import Address, eval_greedy
from ..stats import Array
from .run import Run, addresses, arms

COMPARED = ("samples", "generated_tokens", "seconds")
"""The budgets on which crossovers are reported."""

_LEVEL = 1e-9
"""Means closer than this are the same but for rounding."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One arm on one tag: `x` (points,) budget averaged over seeds, `values` (seeds, points)."""

    x: Array
    values: Array

    @property
    def mean(self) -> Array:
        """Mean over seeds, shape (points,)."""
        return self.values.mean(axis=0)

    @property
    def spends(self) -> bool:
        """Whether this arm spends any of the budget at all."""
        return bool(self.x[-1] > 0)


@dataclass(frozen=True)
class Passing:
    """Where the leader goes ahead for good, in units of the budget.

    `from_start`: it was ahead, or level, at the first point both have and never behind after.
    `after_end`: it passed only when the other had spent all it ever spent.
    """

    at: float
    from_start: bool = False
    after_end: bool = False


@dataclass(frozen=True)
class Crossover:
    """Two arms on one eval set. `leader` is the one ahead at the end, None where they end level.

    `lead` is the difference of the final means. `passing` holds one entry per budget of `COMPARED`,
    None where an arm spends nothing of it. `clear` tells a win from noise: whether the paired
    interval of the final difference excludes 0, None where the arms have no seed in common.
    """

    group: str
    level: int
    arms: tuple[str, str]
    leader: str | None
    lead: float
    passing: Mapping[str, Passing | None]
    same_supervision: bool
    clear: bool | None = None

    @property
    def trailer(self) -> str | None:
        """The arm behind at the end."""
        if self.leader is None:
            return None
        return self.arms[1] if self.leader == self.arms[0] else self.arms[0]

    @property
    def crosses(self) -> bool:
        """Whether the leader was ever behind, on any budget."""
        return any(passing and not passing.from_start for passing in self.passing.values())

    def sentence(self, axis: str = "samples") -> str:
        """For example `grpo passes sft_worked on train/L4 at 12,800 samples`."""
        where, unit = f"{self.group}/L{self.level}", axis.replace("_", " ")
        if self.leader is None:
            return f"{self.arms[0]} and {self.arms[1]} end level on {where}"
        passing = self.passing.get(axis)
        if passing is None:
            return f"{self.leader} ends above {self.trailer} on {where}; one spends no {unit}"
        if passing.from_start:
            return f"{self.leader} is above {self.trailer} on {where} from the first evaluation"
        late = f", after {self.trailer} ended" if passing.after_end else ""
        return f"{self.leader} passes {self.trailer} on {where} at {passing.at:,.0f} {unit}{late}"


def mean_curve(runs: Sequence[Run], tag: str, axis: str) -> Curve | None:
    """The curve of one arm's seeds at the steps they all have; None if there are none."""
    per_seed: list[dict[int, tuple[float, float]]] = []
    for run in runs:
        records = [r for r in run.records if tag in r.metrics and axis in r.budgets]
        per_seed.append({r.step: (r.budgets[axis], r.metrics[tag]) for r in records})
    steps = sorted(set.intersection(*map(set, per_seed))) if per_seed else []
    if not steps:
        return None
    points = np.array([[seed[step] for step in steps] for seed in per_seed], dtype=np.float64)
    return Curve(x=points[:, :, 0].mean(axis=0), values=points[:, :, 1])


def passes(leader: Curve, other: Curve) -> Passing | None:
    """Where the mean of `leader` first passes that of `other` and stays above; None for never."""
    (x1, y1), (x2, y2) = _knots(leader), _knots(other)
    start = max(x1[0], x2[0])
    knots = np.union1d(x1, x2)
    knots = np.union1d(knots[knots >= start], [start])
    ahead = np.interp(knots, x1, y1) - np.interp(knots, x2, y2)
    behind = np.flatnonzero(ahead <= _LEVEL)
    if len(behind) == 0:
        return Passing(float(start), from_start=True)
    last = int(behind[-1])
    if last == len(knots) - 1:
        return None
    before, after = min(float(ahead[last]), 0.0), float(ahead[last + 1])
    share = -before / (after - before)
    at = float(knots[last] + share * (knots[last + 1] - knots[last]))
    level_at_start = last == 0 and before > -_LEVEL
    return Passing(at, from_start=level_at_start, after_end=bool(at > x2[-1]))


def crossovers(runs: Sequence[Run]) -> list[Crossover]:
    """Every pair of arms but the base, on every eval set that both logged as they trained."""
    trained = [pool for name, pool in arms(runs).items() if name != BASE]
    compared = (
        _compare(address, *pair) for address in addresses(runs) for pair in combinations(trained, 2)
    )
    return [crossover for crossover in compared if crossover is not None]


def _compare(address: Address, left: Sequence[Run], right: Sequence[Run]) -> Crossover | None:
    passing: dict[str, Passing | None] = {}
    names, leader, lead = (left[0].arm, right[0].arm), None, None
    for axis in COMPARED:
        first, second = (mean_curve(pool, eval_greedy(address), axis) for pool in (left, right))
        if first is None or second is None:
            continue
        lead = float(first.mean[-1] - second.mean[-1])
        if abs(lead) <= _LEVEL:
            continue
        leader = names[0] if lead > 0 else names[1]
        ordered = (first, second) if lead > 0 else (second, first)
        passing[axis] = passes(*ordered) if first.spends and second.spends else None
    if lead is None:
        return None
    supervision = {run.supervision for run in (*left, *right)}
    return Crossover(*address, names, leader, abs(lead), passing, len(supervision) == 1)


def _knots(curve: Curve) -> tuple[Array, Array]:
    """Budget, strictly rising, and mean; of several values at one budget the last one counts."""
    _, last = np.unique(curve.x[::-1], return_index=True)
    keep = len(curve.x) - 1 - last
    return curve.x[keep], curve.mean[keep]
