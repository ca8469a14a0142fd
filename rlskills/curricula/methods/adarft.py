"""AdaRFT: a target difficulty that follows the mean pass rate.

Shi, Wu, Song, Zhou and Zhao 2025, "Efficient Reinforcement Finetuning via Adaptive Curriculum
Learning", arXiv 2504.05520.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..options import fraction, positive
from ..pickers import Best
from ..pool import needs_levels
from ..state import Array


class AdaRFT(Best):
    """The units whose difficulty is nearest to a target, which moves by rate tanh(a (R - b)).

    Difficulty is the level label scaled to [0, 100], R the mean pass rate of what was observed. A
    target of one number cannot serve two skills at different stages. The paper moves by 50 at most;
    the default is 5, because labels here have few levels and 50 leaps over several of them.
    """

    name = "adarft"
    family = "level stepper"
    paper = "Shi et al. 2025, arXiv 2504.05520"
    information = "level labels"
    order_free = True
    saved = ("target",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        rate: float = positive(5.0)
        """Largest move of the target in a step, on the scale of 100."""
        sharpness: float = positive(2.0)
        """How soon the move approaches `rate`: the a of the rule."""
        wanted: float = fraction(0.5)
        """Mean pass rate at which the target stays: the b of the rule."""

    options: Options

    @override
    def setup(self) -> None:
        needs_levels(self.pool, self.name)
        levels = np.array([self.pool.levels[unit] for unit in self.units], dtype=float)
        span = max(levels.max() - levels.min(), 1.0)
        self.difficulty = 100 * (levels - levels.min()) / span
        self.target = 0.0

    @override
    def scores(self, noise: np.random.Generator, k: int) -> Array:
        return -np.abs(self.difficulty - self.target)

    @override
    def learn(self, batch: Batch) -> None:
        mean = math.fsum(batch.means) / len(batch)
        move = self.options.rate * math.tanh(self.options.sharpness * (mean - self.options.wanted))
        self.target = min(max(self.target + move, 0.0), 100.0)

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"target": self.target}
