"""DUMP: an upper confidence bound on mean absolute advantage, by kind of data.

Wang, Cui, Wan and Zhao 2025, "DUMP: Automated Distribution-Level Curriculum Learning for RL-based
LLM Post-training", arXiv 2504.09710.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..groups import Groups
from ..pickers import softmax
from ..pool import Pool
from ..state import Array, Stateful


class Counts(Stateful):
    """Discounted number of groups of each arm, and the sum of what they paid."""

    rows = ("number", "paid")

    def __init__(self, names: Sequence[str]) -> None:
        self.keys = tuple(names)
        self.number, self.paid = np.zeros(len(self.keys)), np.zeros(len(self.keys))


class DUMP(Base):
    """softmax(U / temperature), U = mean |A| + sqrt(2 ln(n + 1) / (n_arm + 1)).

    The paper averages the last 300 advantages but counts all of history in the bound, so that
    exploration dies out. Here counts and sums are multiplied by `discount` with every step of
    observation; 1 keeps everything. `arms` are levels, or units.
    """

    name = "dump"
    family = "learnability"
    paper = "Wang et al. 2025, arXiv 2504.09710"
    information = "level labels"
    order_free = True
    reaches_all = True
    saved = ("counts",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        temperature: float = 0.1,
        discount: float = 0.99,
        arms: str = "level",
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(temperature=temperature)
        checks.fraction(discount=discount)
        self.temperature, self.discount = temperature, discount
        self.arms = Groups(self.pool, arms, self.name)
        self.information = self.arms.information
        self.counts = Counts(self.arms.names)

    def bounds(self) -> Array:
        """U of each arm; an arm without groups has mean 0 and the widest bound."""
        number = self.counts.number
        mean = self.counts.paid / np.maximum(number, 1e-12)
        return mean + np.sqrt(2 * np.log(number.sum() + 1) / (number + 1))

    def weights(self) -> Array:
        """Arms by softmax, units of an arm alike."""
        return self.arms.spread(softmax(self.bounds(), self.temperature))

    def learn(self, batch: Batch) -> None:
        """Discount all arms, then count."""
        arms, reward, count = batch.pooled_by(self.arms.of, batch.advantages())
        self.counts.number *= self.discount
        self.counts.paid *= self.discount
        self.counts.number[arms] += count
        self.counts.paid[arms] += count * reward
