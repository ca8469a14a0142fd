"""VCRL: only groups of high variance are learned from, and a memory of such units fills the gaps.

Jiang et al. 2025, "VCRL: Variance-based Curriculum Reinforcement Learning for Large Language
Models", arXiv 2509.19803.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..interface import Outcome
from ..options import fraction
from ..signals.averages import toward
from ..state import Array


class VCRL(Base):
    """Admits groups whose variance is at least `late` of the largest possible (`early` at first).

    v = sample variance of the pass rates / its largest value for a group of that size. Units whose
    v was high enough are remembered with a priority that moves to v by 1 - `momentum`. As many
    draws as groups were refused in the last step (as a share) go to the memory by priority, the
    rest to all units alike. The bar is `early` for the first `warmup` steps.
    """

    name = "vcrl"
    family = "learnability"
    paper = "Jiang et al. 2025, arXiv 2509.19803"
    order_free = True
    rows = ("priority",)
    saved = ("refused",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        early: float = fraction(0.3)
        """Variance that a group needs at first, as a share of the largest possible."""
        late: float = fraction(0.8)
        """Variance that a group needs later."""
        warmup: int = 20
        """Steps under `early`."""
        momentum: float = fraction(0.9)
        """Share of its priority that a unit keeps when its variance is high again."""

    options: Options

    @override
    def setup(self) -> None:
        self.priority = np.zeros(len(self.units))
        self.refused = 0.0

    def bar(self, step: int) -> float:
        """The variance that a group of this step needs."""
        return self.options.early if step <= self.options.warmup else self.options.late

    @override
    def admit(self, outcome: Outcome) -> bool:
        return variance(outcome.pass_rates) >= self.bar(outcome.step)

    @override
    def weights(self) -> Array:
        number, total = len(self.units), self.priority.sum()
        if not total > 0:
            return np.ones(number)
        return (1 - self.refused) / number + self.refused * self.priority / total

    @override
    def learn(self, batch: Batch) -> None:
        spread = [variance(group.pass_rates) for group in batch.outcomes]
        bars = [self.bar(group.step) for group in batch.outcomes]
        fits = [value >= bar for value, bar in zip(spread, bars, strict=True)]
        self.refused = 1 - sum(fits) / len(fits)
        at, mean, _ = batch.pooled(spread)
        _, fitting, _ = batch.pooled([float(fit) for fit in fits])
        good, bad = at[fitting > 0], at[fitting == 0]
        toward(
            self.priority, good, mean[fitting > 0], 1 - self.options.momentum, np.ones(len(good))
        )
        self.priority[bad] = 0.0

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"priority": self.priority}

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"refused": self.refused}


def variance(rates: Sequence[float]) -> float:
    """Sample variance over its largest value: n / (4 (n - 1)), or (n + 1) / (4 n) for odd n."""
    n = len(rates)
    if n < 2:
        return 0.0
    mean = sum(rates) / n
    sample = sum((rate - mean) ** 2 for rate in rates) / (n - 1)
    return sample / (n / (4 * (n - 1)) if n % 2 == 0 else (n + 1) / (4 * n))
