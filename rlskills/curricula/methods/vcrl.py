"""VCRL: only groups of high variance are learned from, and a memory of such units fills the gaps.

Jiang et al. 2025, "VCRL: Variance-based Curriculum Reinforcement Learning for Large Language
Models", arXiv 2509.19803.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..interface import Choice, Outcome
from ..options import fraction
from ..signals.averages import toward
from ..state import Array

MEMORY = "memory"
"""The tag of what is drawn from the memory."""


class VCRL(Base):
    """Admits groups whose variance is at least `late` of the largest possible (`early` at first).

    v = sample variance of the pass rates / its largest value for a group of that size. The bar is
    `early` for the first `warmup` steps. Units whose v was high enough are remembered with v as
    their priority, which moves to v by 1 - `momentum` when they come up again. The groups refused
    in a step are replaced once: a further batch is drawn from the memory by priority, tagged
    `memory`, and admitted where rewards differ. All other batches are drawn uniformly.
    """

    name = "vcrl"
    version = 2
    family = "learnability"
    paper = "Jiang et al. 2025, arXiv 2509.19803"
    max_resamples = 1
    order_free = True
    rows = ("priority",)
    saved = ("refused", "refill")

    @dataclass(frozen=True)
    class Options(Base.Options):
        early: float = fraction(0.3)
        """Variance that a group needs at first, as a share of the largest possible."""
        late: float = fraction(0.8)
        """Variance that a group needs later."""
        warmup: int = 20
        """Steps under `early`."""
        momentum: float = fraction(0.9)
        """Share of its priority that a remembered unit keeps when it comes up again."""

    options: Options

    @override
    def setup(self) -> None:
        self.priority = np.zeros(len(self.units))
        self.refused = 0.0
        self.refill = False
        """Whether the next batch replaces refused groups of the last."""

    def bar(self, step: int) -> float:
        """The variance that a group of this step needs."""
        return self.options.early if step <= self.options.warmup else self.options.late

    @override
    def admit(self, outcome: Outcome) -> bool:
        if outcome.choice.tag == MEMORY:
            return not outcome.zero_variance
        return variance(outcome.pass_rates) >= self.bar(outcome.step)

    @property
    def replaying(self) -> bool:
        """Whether the next batch comes from the memory."""
        return self.refill and bool(self.priority.any())

    @override
    def weights(self) -> Array:
        return self.priority if self.replaying else np.ones(len(self.units))

    @override
    def choices(self, chosen: Sequence[int]) -> list[Choice]:
        choices = super().choices(chosen)
        return [replace(c, tag=MEMORY) for c in choices] if self.replaying else choices

    @override
    def learn(self, batch: Batch) -> None:
        fits = [self.admit(group) for group in batch.outcomes]
        self.refused = 1 - sum(fits) / len(fits)
        self.refill = self.refused > 0 and not self.refill
        at, mean, _ = batch.pooled([variance(group.pass_rates) for group in batch.outcomes])
        _, fitting, _ = batch.pooled([float(fit) for fit in fits])
        known = self.priority[at] > 0
        again, new = at[known], at[~known & (fitting > 0)]
        change = 1 - self.options.momentum
        toward(self.priority, again, mean[known], change, np.ones(len(again)))
        self.priority[new] = mean[~known & (fitting > 0)]

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
