"""How much the answers of a group agree: what a group says of its unit, found from groups alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..batch import Batch
from ..state import Stateful

PAIRS = 2.0
"""Pairs of groups at pass rate 1/2 that the start, a correlation of 1/2, weighs as much as."""
SIZE_RATE = 0.01
"""How far the mean group size moves to that of a group."""


class Agreement(Stateful):
    """The correlation rho of the answers to one problem, by pairs of groups that follow in a unit.

    1 - rho is the spread of answers within problems over the spread of a unit's answers, problems
    mixed: E[v n / (n - 1)] over E[(v + w) / 2 + (x - y)^2 / 2], with means x and y, variances v
    and w of the two groups and n answers each. It pools over all units. A group of n answers is
    worth n / (1 + (n - 1) rho) independent ones (the design effect of cluster sampling, Kish 1965,
    "Survey Sampling", section 5.4).
    """

    rows = ("mean", "variance", "seen")
    saved = ("within", "total", "size", "groups")

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self.mean, self.variance, self.seen = (np.zeros(len(self.keys)) for _ in range(3))
        self.within, self.total = PAIRS / 8, PAIRS / 4
        self.size, self.groups = 8.0, 0

    def update(self, batch: Batch) -> None:
        """Pair every group of two answers and more with the one before it of the same unit."""
        for at, x, outcome in zip(batch.where, batch.means, batch.outcomes, strict=True):
            rates = outcome.pass_rates
            n = len(rates)
            self.groups += 1
            if n < 2:
                continue
            v = max(sum(rate * rate for rate in rates) / n - x * x, 0.0)
            self.size += SIZE_RATE * (n - self.size)
            if self.seen[at]:
                y, w = float(self.mean[at]), float(self.variance[at])
                self.total += (v + w) / 2 + (x - y) ** 2 / 2
                self.within += (v + w) / 2 * n / (n - 1)
            self.mean[at], self.variance[at], self.seen[at] = x, v, 1.0

    @property
    def correlation(self) -> float:
        """rho, in [0, 1]: 0 where the answers of a group are independent, 1 where all agree."""
        return min(max(1 - self.within / self.total, 0.0), 1.0)

    @property
    def worth(self) -> float:
        """Independent answers that an answer is worth, in [1 / n, 1]."""
        return 1 / (1 + (self.size - 1) * self.correlation)
