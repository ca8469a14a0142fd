"""Whether a pass rate still moves: a test of the newer against the older half of a window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..batch import Batch
from ..state import Array, IntArray, Stateful
from .windows import Windows


class Stagnation(Stateful):
    """A factor on the weight of each unit, low for units whose pass rate has stopped moving.

    From `least` groups of a unit on, the two halves of its last `window` group means (of all, while
    they are fewer) are compared: z = difference of the halves' means / its standard error. A unit
    whose pass rate does not move (coin flip, impossible, mastered) has z^2 near 1 or below and gets
    `low`; the factor is clip((z^2 - 1) / 3, low, 1). Before that it is 1.
    """

    rows = ("factor", "mean")
    saved = ("windows",)

    def __init__(self, keys: Sequence[str], window: int, least: int = 30, low: float = 0.1) -> None:
        self.keys = tuple(keys)
        self.least, self.low = least, low
        self.windows = Windows(keys, max(window // 2, 1) * 2)
        self.factor = np.ones(len(self.keys))
        self.mean = np.zeros(len(self.keys))  # of each window that is full

    def update(self, batch: Batch) -> None:
        """Append a batch to the windows, and compare the halves of the units in it again."""
        where, size = self.windows.push(batch), self.windows.size
        known = where[self.windows.seen[where] >= min(self.least, size)]
        if known.size:
            values, seen = self.windows.values[self.windows.row[known]], self.windows.seen[known]
            self.factor[known] = stagnation_factor(values, np.minimum(seen, size), self.low)
            full = seen >= size
            self.mean[known[full]] = values[full].mean(1)

    @property
    def late(self) -> Array:
        """The factor of units whose window is full; 1 for all others."""
        return np.where(self.windows.seen >= self.windows.size, self.factor, 1.0)


def stagnation_factor(values: Array, number: IntArray, low: float) -> Array:
    """clip((z^2 - 1) / 3, low, 1) for windows of shape (units, size); z compares the halves.

    `number`, of shape (units,), says how many of the last values count; of an odd number the first
    is left out.
    """
    size, half = values.shape[1], number[:, None] // 2
    newer = np.arange(size) >= size - half
    older = (np.arange(size) >= size - 2 * half) & ~newer
    old, new = ((values * part).sum(1) / half[:, 0] for part in (older, newer))
    within = (values**2 * (older | newer)).sum(1) / (2 * half[:, 0]) - (old**2 + new**2) / 2
    # A half without spread has no error to divide by: any difference is then a real one.
    z2 = (new - old) ** 2 / np.maximum(within * 2 / half[:, 0], 1e-9)
    return np.clip((z2 - 1) / 3, low, 1.0)
