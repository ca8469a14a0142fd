"""Beta posteriors of pass rates that forget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..batch import Batch
from ..state import Array, IntArray, Stateful


class Posterior(Stateful):
    """Beta(a, b) by unit: a visit first takes the evidence back to the prior by 1 - decay.

    a <- decay a + (1 - decay) prior + successes, b likewise with failures; units that are not
    visited keep theirs. A pass rate between 0 and 1 counts as that part of a success.
    """

    rows = ("good", "bad")

    def __init__(self, keys: Sequence[str], decay: float, prior: float = 1.0) -> None:
        self.keys = tuple(keys)
        self.decay, self.prior = decay, prior
        self.good = np.full(len(self.keys), prior)
        self.bad = np.full(len(self.keys), prior)

    def update(self, batch: Batch) -> None:
        """Update with a batch; several groups of one unit count as one visit with more rollouts."""
        where, wins, losses = tallies(batch)
        back = (1 - self.decay) * self.prior
        self.good[where] = self.decay * self.good[where] + back + wins
        self.bad[where] = self.decay * self.bad[where] + back + losses

    def mean(self) -> Array:
        """Expected pass rate of every unit."""
        return self.good / (self.good + self.bad)

    def deviation(self, where: IntArray | None = None) -> Array:
        """sqrt(p (1 - p)) at the expected pass rate."""
        at = slice(None) if where is None else where
        good, bad = self.good[at], self.bad[at]
        return np.sqrt(good * bad) / (good + bad)

    def draw(self, noise: np.random.Generator, where: IntArray | None = None) -> Array:
        """A pass rate drawn from each posterior."""
        if where is None:
            return noise.beta(self.good, self.bad)
        return noise.beta(self.good[where], self.bad[where])


def tallies(batch: Batch) -> tuple[IntArray, Array, Array]:
    """Distinct units of a batch with the sum of pass rates and of what is missing to 1."""
    wins: dict[int, float] = {}
    sizes: dict[int, float] = {}
    for at, mean, outcome in zip(batch.where, batch.means, batch.outcomes, strict=True):
        size = len(outcome.pass_rates)
        wins[at] = wins.get(at, 0.0) + mean * size
        sizes[at] = sizes.get(at, 0.0) + size
    good = np.array(list(wins.values()))
    total = np.array(list(sizes.values()))
    return np.array(list(wins), dtype=np.int64), good, np.maximum(total - good, 0.0)
