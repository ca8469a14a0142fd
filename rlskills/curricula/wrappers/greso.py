"""GRESO: units whose last groups were all right or all wrong are mostly skipped.

Zheng et al. 2025, "Act Only When It Pays: Efficient Reinforcement Learning for LLM Reasoning via
Selective Rollouts", arXiv 2506.02177.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..options import ensure_band, fraction, inside
from ..state import Array
from .around import Reweighted


class GRESO(Reweighted):
    """Probabilities of `inner` times max(q^z, least), z the length of the run of useless groups.

    A run is of easy groups (mean pass rate at least `easy`) or of hard groups (at most `hard`);
    each kind has its own q, and any other group ends the run. After each step q moves by
    `step_size` within [.05, .95]: up if the share of such groups is below its target, else down.
    Skipping a draw and drawing again amounts to these probabilities. The paper starts in its second
    epoch; here a unit without such a group is never skipped.
    """

    name = "greso"
    family = "gate"
    paper = "Zheng et al. 2025, arXiv 2506.02177"
    rows = ("run", "is_easy")
    saved = ("q_easy", "q_hard")

    @dataclass(frozen=True)
    class Options(Base.Options):
        easy: float = 0.98
        """Mean pass rate from which a group is too easy."""
        hard: float = 0.11
        """Mean pass rate up to which a group is too hard."""
        easy_target: float = fraction(0.083)
        """Share of easy groups below which q_easy rises."""
        hard_target: float = fraction(0.167)
        """Share of hard groups below which q_hard rises."""
        step_size: float = fraction(0.01)
        """Move of both q in a step."""
        least: float = inside(0.01)
        """Smallest factor on a unit's probability."""

        @override
        def __post_init__(self) -> None:
            super().__post_init__()
            ensure_band(self.hard, self.easy)

    options: Options

    @override
    def setup(self) -> None:
        self.run = np.zeros(len(self.units), dtype=np.int64)
        self.is_easy = np.zeros(len(self.units), dtype=bool)
        self.q_easy, self.q_hard = 0.5, 0.5
        self.order_free = False  # a run depends on the order of its groups

    @override
    def factor(self) -> Array:
        # Runs are few different numbers, so that powers are looked up.
        lengths = np.arange(int(self.run.max()) + 1)
        powers = np.array([self.q_hard**lengths, self.q_easy**lengths])
        table = np.maximum(powers, self.options.least).ravel()
        return table[self.run + len(lengths) * self.is_easy]

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        easy = hard = 0
        for at, mean in zip(batch.where, batch.means, strict=True):
            is_easy, is_hard = mean >= self.options.easy, mean <= self.options.hard
            easy, hard = easy + is_easy, hard + is_hard
            if not (is_easy or is_hard):
                self.run[at] = 0
            elif self.run[at] and self.is_easy[at] != is_easy:
                self.run[at] = 1
            else:
                self.run[at] += 1
            self.is_easy[at] = is_easy
        self.q_easy = self._moved(self.q_easy, easy / len(batch), self.options.easy_target)
        self.q_hard = self._moved(self.q_hard, hard / len(batch), self.options.hard_target)

    def _moved(self, q: float, share: float, target: float) -> float:
        move = self.options.step_size if share < target else -self.options.step_size
        return min(max(q + move, 0.05), 0.95)

    @override
    def own_metrics(self) -> Mapping[str, float]:
        skipped = float(1 - self.factor().mean())
        return {"q_easy": self.q_easy, "q_hard": self.q_hard, "skipped": skipped}
