"""Outcomes as numbers, after a check that none of them is impossible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import mul

import numpy as np

from ..errors import UserError
from .interface import Outcome
from .state import Array, IntArray


class Batch:
    """Checked outcomes: `where` are positions of their units, `means` the mean rewards.

    Groups without rewards (nothing could be graded) say nothing and are left out.
    """

    __slots__ = ("_pooled", "means", "outcomes", "where")

    def __init__(self, outcomes: Sequence[Outcome], index: Mapping[str, int]) -> None:
        self.outcomes: list[Outcome] = []
        self.where: list[int] = []
        self.means: list[float] = []
        self._pooled: tuple[IntArray, Array, Array] | None = None
        for outcome in outcomes:
            rewards, unit = outcome.rewards, outcome.choice.unit
            if unit not in index:
                raise UserError(f"outcome for unknown unit {unit!r}")
            if not rewards:
                continue
            total = sum(rewards)
            # The sum finds a NaN that min and max may pass over.
            if not (min(rewards) >= 0.0 and max(rewards) <= 1.0 and total == total):
                wrong = next(reward for reward in rewards if not 0.0 <= reward <= 1.0)
                raise UserError(f"reward {wrong} of unit {unit!r} not in [0, 1]")
            self.outcomes.append(outcome)
            self.where.append(index[unit])
            self.means.append(total / len(rewards))

    def __len__(self) -> int:
        return len(self.outcomes)

    def pooled(self, values: Sequence[float] | None = None) -> tuple[IntArray, Array, Array]:
        """Distinct units, the mean of `values` (default: mean rewards) and how many groups each."""
        if values is None:
            if self._pooled is None:
                self._pooled = pool_by(self.where, self.means)
            return self._pooled
        return pool_by(self.where, values)

    def pooled_by(self, groups: IntArray, values: Sequence[float]) -> tuple[IntArray, Array, Array]:
        """The same by group of units: `groups[i]` is the group of the unit at position i."""
        return pool_by(groups[self.where].tolist(), values)

    def advantages(self) -> list[float]:
        """Mean absolute group-normalised advantage of each group."""
        return [
            mean_advantage(one.rewards, mean)
            for one, mean in zip(self.outcomes, self.means, strict=True)
        ]


def pool_by(where: Sequence[int], values: Sequence[float]) -> tuple[IntArray, Array, Array]:
    """Distinct positions, the mean of their values, and how many they are."""
    sums: dict[int, float] = {}
    counts: dict[int, int] = {}
    for at, value in zip(where, values, strict=True):
        sums[at] = sums.get(at, 0.0) + value
        counts[at] = counts.get(at, 0) + 1
    number = np.array(list(counts.values()), dtype=float)
    return np.array(list(sums), dtype=np.int64), np.array(list(sums.values())) / number, number


def mean_advantage(rewards: Sequence[float], mean: float) -> float:
    """Mean |A| of a group whose advantages are divided by their population deviation.

    For k successes among n binary rewards this is 2 sqrt(k (n - k)) / n; 0 for a dead group.
    """
    squares, number = sum(map(mul, rewards, rewards)), len(rewards)
    variance = squares / number - mean * mean
    if variance <= 1e-12:
        return 0.0
    # On [0, 1] a square equals its root only at 0 and 1: this group is binary.
    if abs(squares - mean * number) < 1e-9:
        return 2 * (mean * (1 - mean)) ** 0.5
    return sum(abs(reward - mean) for reward in rewards) / number / variance**0.5
