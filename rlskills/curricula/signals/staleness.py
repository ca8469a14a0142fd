"""How long ago each unit was drawn: the floor that keeps forgetting visible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..state import Array, Stateful


class Staleness(Stateful):
    """Probabilities in proportion to the steps since a unit was last drawn, plus one.

    The staleness term of Prioritized Level Replay (Jiang et al. 2020, arXiv 2010.03934), where 1
    is added so that every unit always has a positive probability.
    """

    rows = ("last",)

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self.last = np.zeros(len(self.keys), dtype=np.int64)

    def drawn(self, where: Sequence[int], step: int) -> None:
        """Note that these units were drawn in this step."""
        self.last[where] = step

    def ages(self, step: int) -> Array:
        """Steps since each unit was drawn, plus one; at least one."""
        return np.maximum(step + 1 - self.last, 1).astype(float)

    def floor(self, weights: Array, share: float, step: int) -> Array:
        """Probabilities by weight, and `share` of them by age (all if no weight is positive)."""
        ages = self.ages(step)
        total = weights.sum()
        if not total > 0:
            return ages / ages.sum()
        return weights * ((1 - share) / total) + ages * (share / ages.sum())
