"""SEC: categories as the arms of a bandit that is paid in absolute advantage.

Chen et al. 2025, "Self-Evolving Curriculum for LLM Reasoning", arXiv 2505.14970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..groups import Grouping, Groups
from ..options import fraction, positive
from ..pickers import softmax
from ..signals.averages import Average
from ..state import Array


class SEC(Base):
    """softmax(Q / temperature) over arms, Q a running average of mean |advantage| by arm.

    An arm is paid the mean over its groups in a step, 2 sqrt(k (n - k)) / n for k of n right; Q
    moves to it by `rate`. `arms` are levels as in the paper, or units. Within an arm all units are
    alike. A coin-flip arm pays best for ever.
    """

    name = "sec"
    family = "learnability"
    paper = "Chen et al. 2025, arXiv 2505.14970"
    information = "level labels"
    order_free = True
    reaches_all = True
    saved = ("quality",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        rate: float = fraction(0.5)
        """How far the average of an arm moves to what it paid in a step."""
        temperature: float = positive(0.2)
        """Of the softmax over arms; lower is greedier."""
        arms: Grouping = "level"
        """What units share an arm: those of a level, those of the same skills, none, or all."""

    options: Options

    @override
    def setup(self) -> None:
        self.arms = Groups(self.pool, self.options.arms, self.name)
        self.information = self.arms.information
        self.quality = Average(self.arms.names, self.options.rate)

    @override
    def weights(self) -> Array:
        return self.arms.spread(softmax(self.quality.value, self.options.temperature))

    @override
    def learn(self, batch: Batch) -> None:
        arms, reward, _ = batch.pooled_by(self.arms.of, batch.advantages())
        self.quality.update(arms, reward, np.ones(len(arms)))

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"quality": self.quality.value[self.arms.of]}
