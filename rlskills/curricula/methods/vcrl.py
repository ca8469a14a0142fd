"""VCRL: only groups of high variance are learned from, and a memory of such units fills the gaps.

Jiang et al. 2025, "VCRL: Variance-based Curriculum Reinforcement Learning for Large Language
Models", arXiv 2509.19803.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..interface import Outcome
from ..pool import Pool
from ..signals.averages import toward
from ..state import Array


class VCRL(Base):
    """Admits groups whose variance is at least `late` of the largest possible (`early` at first).

    v = sample variance / its largest value for a group of that size. Units whose v was high enough
    are remembered with a priority that moves to v by 1 - `momentum`. As many draws as groups were
    refused in the last step (as a share) go to the memory by priority, the rest to all units alike.
    The bar is `early` for the first `warmup` steps.
    """

    name = "vcrl"
    family = "learnability"
    paper = "Jiang et al. 2025, arXiv 2509.19803"
    order_free = True
    rows = ("priority",)
    saved = ("refused",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        early: float = 0.3,
        late: float = 0.8,
        warmup: int = 20,
        momentum: float = 0.9,
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(early=early, late=late, momentum=momentum)
        self.early, self.late, self.warmup, self.momentum = early, late, warmup, momentum
        self.priority = np.zeros(len(self.units))
        self.refused = 0.0

    def bar(self, step: int) -> float:
        """The variance that a group of this step needs."""
        return self.early if step <= self.warmup else self.late

    def admit(self, outcome: Outcome) -> bool:
        """Whether the group varies enough."""
        return variance(outcome.rewards) >= self.bar(outcome.step)

    def weights(self) -> Array:
        """All alike, and the memory instead of what was refused."""
        number, total = len(self.units), self.priority.sum()
        if not total > 0:
            return np.ones(number)
        return (1 - self.refused) / number + self.refused * self.priority / total

    def learn(self, batch: Batch) -> None:
        """Remember what varies, forget what no longer does."""
        spread = [variance(one.rewards) for one in batch.outcomes]
        fits = [v >= self.bar(o.step) for v, o in zip(spread, batch.outcomes, strict=True)]
        self.refused = 1 - sum(fits) / len(fits)
        at, mean, _ = batch.pooled(spread)
        _, fit, _ = batch.pooled([float(one) for one in fits])
        good, bad = at[fit > 0], at[fit == 0]
        toward(self.priority, good, mean[fit > 0], 1 - self.momentum, np.ones(len(good)))
        self.priority[bad] = 0.0


def variance(rewards: Sequence[float]) -> float:
    """Sample variance over its largest value: n / (4 (n - 1)), or (n + 1) / (4 n) for odd n."""
    n = len(rewards)
    if n < 2:
        return 0.0
    mean = sum(rewards) / n
    sample = sum((reward - mean) ** 2 for reward in rewards) / (n - 1)
    return sample / (n / (4 * (n - 1)) if n % 2 == 0 else (n + 1) / (4 * n))
