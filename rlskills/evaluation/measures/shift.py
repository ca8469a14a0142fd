"""How many samples of the base one sample of an arm is worth.

m(k) = k_base / k, where the base with k_base samples solves as many problems as the arm with k. A
gap of pass@k that grows with k says little: models that only differ in one rate for all problems
have it too, at a constant m. A rising m, or a base that never gets there, says that other problems
are solved.

The idea is in Brown et al., "Large Language Monkeys" (arXiv 2407.21787, section 3.2), where curves
of one family are the same but for a shift in log k. The reading in `Shift.kind` is a rule of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ...errors import UserError
from ...stats import Interval
from .counts import Counts, Floats, bounds, paired, resampled_means
from .pass_at_k import over_problems, pass_at

DRIFT = 1.0
"""Doublings by which m may change between the first k and the last and still count as constant."""


@dataclass(frozen=True, eq=False)
class Shift:
    """m at each k with 95% bounds, all of shape (ks,); infinite where the base never gets there."""

    ks: tuple[int, ...]
    worth: Floats
    low: Floats
    high: Floats
    drift: Interval
    """Doublings of m from the first k to the last."""
    unreached: float
    """Share of resamples in which the base does not get there at the last k."""

    @property
    def kind(self) -> Literal["access", "reach", "undecided"]:
        """`access`: the same problems with fewer samples, m being constant within `DRIFT`.
        `reach`: m rises, or the base's samples do not suffice. Both by 95% intervals."""
        if self.unreached >= 0.975 or self.drift.low > DRIFT:
            return "reach"
        if self.drift.low > -DRIFT and self.drift.high < DRIFT:
            return "access"
        return "reach" if self.drift.low > 0 else "undecided"


def crossing(values: ArrayLike, target: float) -> float:
    """The k, not whole, at which rising `values` of pass@1, pass@2, ... is `target`.

    Infinity where it never is. Between neighbours the chance that all are wrong is taken for a
    power of k's rate, which is exact where all problems have one rate; below 1, between 0 and it.
    """
    curve = np.asarray(values, dtype=np.float64)
    i = int(np.searchsorted(curve, target, side="left"))
    if i == len(curve):
        return np.inf
    before, after = (0.0 if i == 0 else float(curve[i - 1])), float(curve[i])
    if after < 1 and target < 1:
        before, after, target = (float(np.log1p(-x)) for x in (before, after, target))
    return i + (1.0 if after == before else (target - before) / (after - before))


def shift(
    base: Counts, arm: Counts, ks: Sequence[int], seed: int = 0, resamples: int = 1000
) -> Shift:
    """m(k) of `arm` over `base`, on the same problems, which the bootstrap draws together.

    Needs pass@k of the arm above 0 at every k.
    """
    paired(base, arm)
    if not arm.c.any():
        raise UserError("the arm solved nothing, so no number of samples equals one of its")
    ends = np.asarray(ks, dtype=np.float64)
    values = np.concatenate([pass_at(base, range(1, base.fewest + 1)), pass_at(arm, ks)], axis=1)

    def worths(means: Floats) -> Floats:
        curve, targets = np.maximum.accumulate(means[: base.fewest]), means[base.fewest :]
        return np.array([crossing(curve, target) for target in targets]) / ends

    worth = worths(values.mean(axis=0))
    draws = [row for row in resampled_means(values, seed, resamples) if row[base.fewest] > 0]
    many = np.array([worths(row) for row in draws])
    low, high = bounds(many)
    drifts = _doublings(many[:, 0], many[:, -1])
    drift = float(_doublings(worth[:1], worth[-1:])[0])
    ends_of = [float(x) for x in bounds(drifts)]
    return Shift(
        tuple(ks), worth, np.minimum(low, worth), np.maximum(high, worth),
        Interval(drift, min(drift, ends_of[0]), max(drift, ends_of[1]), "bootstrap over problems"),
        float(np.isinf(many[:, -1]).mean()),
    )  # fmt: skip


def over_base_at_budget(base: Counts, arm: Counts, rollouts: int, seed: int = 0) -> Interval:
    """pass@1 of the arm minus pass@k of the base at the samples that training spent itself.

    `rollouts` is steps x group size x visits, for each problem: with as many the base could simply
    have tried. Paired over problems.
    """
    paired(base, arm)
    values = pass_at(arm, [1]) - pass_at(base, [rollouts])
    return over_problems(values, [1], seed).at(1)


def _doublings(first: Floats, last: Floats) -> Floats:
    """log2(last / first); infinite where only the last is, and 0 where both are."""
    both = np.isinf(first) & np.isinf(last)
    with np.errstate(invalid="ignore"):
        return np.where(both, 0.0, np.log2(last) - np.log2(first))
