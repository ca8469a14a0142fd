"""DUMP: an upper confidence bound on mean absolute advantage, by kind of data.

Wang, Cui, Wan and Zhao 2025, "DUMP: Automated Distribution-Level Curriculum Learning for RL-based
LLM Post-training", arXiv 2504.09710.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..groups import Grouping, Groups
from ..options import fraction, positive
from ..pickers import softmax
from ..state import Array, Stateful


class Counts(Stateful):
    """Discounted number of groups of each arm, and the sum of their advantages."""

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

    @dataclass(frozen=True)
    class Options(Base.Options):
        temperature: float = positive(0.1)
        """Of the softmax over arms; lower is greedier."""
        discount: float = fraction(0.99)
        """What counts and sums keep in a step; 1 keeps all of history."""
        arms: Grouping = "level"
        """What units share an arm: those of a level, those of the same skills, none, or all."""

    options: Options

    @override
    def setup(self) -> None:
        self.arms = Groups(self.pool, self.options.arms, self.name)
        self.information = self.arms.information
        self.counts = Counts(self.arms.names)

    def bounds(self) -> Array:
        """U of each arm; an arm without groups has mean 0 and the widest bound."""
        number = self.counts.number
        mean = self.counts.paid / np.maximum(number, 1e-12)
        return mean + np.sqrt(2 * np.log(number.sum() + 1) / (number + 1))

    @override
    def weights(self) -> Array:
        return self.arms.spread(softmax(self.bounds(), self.options.temperature))

    @override
    def learn(self, batch: Batch) -> None:
        arms, reward, count = batch.pooled_by(self.arms.of, batch.advantages())
        self.counts.number *= self.options.discount
        self.counts.paid *= self.options.discount
        self.counts.number[arms] += count
        self.counts.paid[arms] += count * reward

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"bound": self.bounds()[self.arms.of]}
