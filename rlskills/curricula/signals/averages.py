"""Running averages by unit or arm; several groups in one step count as that many updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from ..state import Array, IntArray, Stateful

ArrayOrFloat = TypeVar("ArrayOrFloat", Array, float)


def toward(values: Array, at: IntArray, target: Array, rate: float, times: Array) -> None:
    """Move `values[at]` to `target` by `rate`, `times` times; the order does not matter."""
    values[at] = target + (1 - rate) ** times * (values[at] - target)


class Average(Stateful):
    """An exponential average of a number by key, and how many groups it has seen."""

    rows = ("value", "visits")

    def __init__(self, keys: Sequence[str], rate: float, start: float = 0.0) -> None:
        self.keys = tuple(keys)
        self.rate = rate
        self.value = np.full(len(self.keys), start)
        self.visits = np.zeros(len(self.keys))

    def update(self, at: IntArray, mean: Array, count: Array) -> None:
        """Update with the mean of `count` groups at each of the positions `at` (all different)."""
        toward(self.value, at, mean, self.rate, count)
        self.visits[at] += count


class FastSlow(Stateful):
    """A fast average of the pass rate and a slow one that follows it: their gap is progress.

    p_f moves to the pass rate by `rate`, then p_s to p_f by the same rate. Pass rates are first
    corrected for a known guess rate b, max(0, p - b) / (1 - b). The gap is measured on
    f(p) = p (1 - theta) / (p + theta (1 - 2 p)), which magnifies low rates; theta .5 leaves them.
    """

    rows = ("fast", "slow", "gap")

    def __init__(
        self, keys: Sequence[str], rate: float, theta: float, baseline: float = 0.0
    ) -> None:
        self.keys = tuple(keys)
        self.rate, self.theta, self.baseline = rate, theta, baseline
        self.fast, self.slow, self.gap = (np.zeros(len(self.keys)) for _ in range(3))

    def begin(self, at: IntArray, mean: Array) -> None:
        """Start both averages at these mean pass rates instead of 0."""
        self.fast[at] = self.slow[at] = np.maximum(self.above_guessing(mean), 0.0)

    def update(self, at: IntArray, mean: Array, count: Array) -> None:
        """Update with mean pass rates of `count` groups at each of the positions `at`."""
        target = np.maximum(self.above_guessing(mean), 0.0)
        left = (1 - self.rate) ** count
        away = self.fast[at] - target
        # Closed form of `count` successive updates of both averages.
        slow = target + left * (self.slow[at] - target + self.rate * count * away)
        fast = target + left * away
        self.fast[at], self.slow[at] = fast, slow
        self.gap[at] = np.abs(self.magnified(fast) - self.magnified(slow))

    def above_guessing(self, mean: ArrayOrFloat) -> ArrayOrFloat:
        """A pass rate rescaled so that the guess rate is 0; negative where guessing failed."""
        return (mean - self.baseline) / (1 - self.baseline)

    def magnified(self, p: Array) -> Array:
        """The pass rate with low values spread out."""
        return p * (1 - self.theta) / (p + self.theta * (1 - 2 * p))
