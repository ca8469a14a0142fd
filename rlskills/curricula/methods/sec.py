"""SEC: categories as the arms of a bandit that is paid in absolute advantage.

Chen et al. 2025, "Self-Evolving Curriculum for LLM Reasoning", arXiv 2505.14970.
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

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        rate: float = 0.5,
        temperature: float = 0.2,
        arms: str = "level",
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(rate=rate)
        checks.positive(temperature=temperature)
        self.temperature = temperature
        self.arms = Groups(self.pool, arms, self.name)
        self.information = self.arms.information
        self.quality = Average(self.arms.names, rate)

    def weights(self) -> Array:
        """Arms by softmax, units of an arm alike."""
        return self.arms.spread(softmax(self.quality.value, self.temperature))

    def learn(self, batch: Batch) -> None:
        """One update for each arm that came back."""
        arms, reward, _ = batch.pooled_by(self.arms.of, batch.advantages())
        self.quality.update(arms, reward, np.ones(len(arms)))
