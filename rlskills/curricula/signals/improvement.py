"""How far the pass rate of a unit has improved: tells slow learning from a coin flip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..state import Array, IntArray, Stateful


class Improvement(Stateful):
    """The widest difference that the mean pass rate of each unit has shown so far.

    The mean is over all groups at first, exponential by `rate` later, and counts after `least`
    groups. A unit that cannot be learned (coin flip, impossible, mastered) stays where it is: in
    groups of 8 the mean of a coin flip has a standard deviation of .04.
    """

    rows = ("mean", "low", "high", "groups")

    def __init__(self, keys: Sequence[str], rate: float = 0.1, least: int = 10) -> None:
        self.keys = tuple(keys)
        self.rate, self.least = rate, least
        self.mean, self.high, self.groups = (np.zeros(len(self.keys)) for _ in range(3))
        self.low = np.ones(len(self.keys))

    def update(self, at: IntArray, mean: Array, count: Array) -> None:
        """Update with mean pass rates of `count` groups at each of the positions `at`."""
        self.groups[at] += count
        remaining = np.minimum(1 - count / self.groups[at], (1 - self.rate) ** count)
        self.mean[at] = mean + remaining * (self.mean[at] - mean)
        sure = at[self.groups[at] >= self.least]
        self.low[sure] = np.minimum(self.low[sure], self.mean[sure])
        self.high[sure] = np.maximum(self.high[sure], self.mean[sure])

    @property
    def width(self) -> Array:
        """Highest minus lowest mean; 0 for units with too few groups."""
        return np.maximum(self.high - self.low, 0.0)
