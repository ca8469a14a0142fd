"""AdaRFT: one target difficulty that follows the mean reward.

Shi, Wu, Song, Zhou and Zhao 2025, "Efficient Reinforcement Finetuning via Adaptive Curriculum
Learning", arXiv 2504.05520.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..batch import Batch
from ..pickers import Best
from ..pool import Pool
from ..state import Array


class AdaRFT(Best):
    """The units whose difficulty is nearest to a target, which moves by rate tanh(a (R - b)).

    Difficulty is the level label scaled to [0, 100], R the mean reward of what was observed. A
    target of one number cannot serve two skills at different stages. The paper moves by 50 at most;
    the default is 5, because labels here have few levels and 50 leaps over several of them.
    """

    name = "adarft"
    family = "level stepper"
    paper = "Shi et al. 2025, arXiv 2504.05520"
    information = "level labels"
    order_free = True
    saved = ("target",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        rate: float = 5.0,
        sharpness: float = 2.0,
        wanted: float = 0.5,
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(rate=rate, sharpness=sharpness)
        checks.fraction(wanted=wanted)
        checks.needs_levels(self.pool, self.name)
        self.rate, self.sharpness, self.wanted = rate, sharpness, wanted
        levels = np.array([self.pool.levels[unit] for unit in self.units], dtype=float)
        span = max(levels.max() - levels.min(), 1.0)
        self.difficulty = 100 * (levels - levels.min()) / span
        self.target = 0.0

    def scores(self, noise: np.random.Generator, k: int) -> Array:
        """Nearness to the target."""
        return -np.abs(self.difficulty - self.target)

    def learn(self, batch: Batch) -> None:
        """Harder after success, easier after failure."""
        mean = math.fsum(batch.means) / len(batch)
        move = self.rate * math.tanh(self.sharpness * (mean - self.wanted))
        self.target = min(max(self.target + move, 0.0), 100.0)

    def metrics(self) -> Mapping[str, float]:
        """Also the target, from 0 to 100."""
        return {**super().metrics(), "target": self.target}
