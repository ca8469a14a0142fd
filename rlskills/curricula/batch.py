"""Outcomes as numbers, after a check that none of them is impossible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from operator import mul

import numpy as np

from ..errors import UserError
from .interface import Outcome
from .state import Array, IntArray


class Batch:
    """Checked outcomes: `where` are positions of their units, `means` their mean pass rates.

    Groups of which nothing could be graded say nothing and are left out.
    """

    __slots__ = ("_pooled", "means", "outcomes", "where")

    def __init__(self, outcomes: Sequence[Outcome], index: Mapping[str, int]) -> None:
        self.outcomes: list[Outcome] = []
        self.where: list[int] = []
        self.means: list[float] = []
        self._pooled: tuple[IntArray, Array, Array] | None = None
        for outcome in outcomes:
            rates, unit = outcome.pass_rates, outcome.choice.unit
            if unit not in index:
                raise UserError(f"outcome for unknown unit {unit!r}")
            if outcome.rewards is not rates:
                check_rewards(outcome)
            if not rates:
                continue
            total = sum(rates)
            # The sum finds a NaN that min and max may pass over.
            if not (min(rates) >= 0.0 and max(rates) <= 1.0 and total == total):
                wrong = next(rate for rate in rates if not 0.0 <= rate <= 1.0)
                raise UserError(f"pass rate {wrong} of unit {unit!r} not in [0, 1]")
            self.outcomes.append(outcome)
            self.where.append(index[unit])
            self.means.append(total / len(rates))

    def __len__(self) -> int:
        return len(self.outcomes)

    def pooled(self, values: Sequence[float] | None = None) -> tuple[IntArray, Array, Array]:
        """Distinct units, their mean of `values` (default: pass rates), and groups of each."""
        if values is None:
            if self._pooled is None:
                self._pooled = pool_by(self.where, self.means)
            return self._pooled
        return pool_by(self.where, values)

    def pooled_by(self, groups: IntArray, values: Sequence[float]) -> tuple[IntArray, Array, Array]:
        """The same by group of units: `groups[i]` is the group of the unit at position i."""
        return pool_by(groups[self.where].tolist(), values)

    def advantages(self) -> list[float]:
        """Mean absolute group-normalised advantage of each group, from pass rates."""
        return [
            mean_advantage(outcome.pass_rates, mean)
            for outcome, mean in zip(self.outcomes, self.means, strict=True)
        ]


def check_rewards(outcome: Outcome) -> None:
    """Rewards are finite, and as many as pass rates."""
    unit, rewards = outcome.choice.unit, outcome.rewards
    if len(rewards) != len(outcome.pass_rates):
        number = len(outcome.pass_rates)
        raise UserError(f"{len(rewards)} rewards for {number} pass rates of unit {unit!r}")
    for reward in rewards:
        if not isfinite(reward):
            raise UserError(f"reward {reward} of unit {unit!r} is not finite")


def pool_by(where: Sequence[int], values: Sequence[float]) -> tuple[IntArray, Array, Array]:
    """Distinct positions, the mean of their values, and how many they are."""
    sums: dict[int, float] = {}
    counts: dict[int, int] = {}
    for at, value in zip(where, values, strict=True):
        sums[at] = sums.get(at, 0.0) + value
        counts[at] = counts.get(at, 0) + 1
    number = np.array(list(counts.values()), dtype=float)
    return np.array(list(sums), dtype=np.int64), np.array(list(sums.values())) / number, number


def mean_advantage(rates: Sequence[float], mean: float) -> float:
    """Mean |A| of a group whose advantages are divided by their population deviation.

    For k successes among n rollouts this is 2 sqrt(k (n - k)) / n; 0 where all are alike.
    """
    squares, number = sum(map(mul, rates, rates)), len(rates)
    variance = squares / number - mean * mean
    if variance <= 1e-12:
        return 0.0
    # On [0, 1] a square equals its root only at 0 and 1: this group is binary.
    if abs(squares - mean * number) < 1e-9:
        return 2 * (mean * (1 - mean)) ** 0.5
    return sum(abs(rate - mean) for rate in rates) / number / variance**0.5
