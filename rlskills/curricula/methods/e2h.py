"""E2H: levels from easy to hard by the clock alone, as a cosine or as a moving bell.

Parashar et al. 2025, "Curriculum Reinforcement Learning from Easy to Hard Tasks Improves LLM
Reasoning", arXiv 2506.06632.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..groups import Groups
from ..pool import Pool
from ..state import Array


class E2H(Base):
    """What both schedules share: K levels, and s, the share of `total_steps` that has passed."""

    family = "schedule"
    paper = "Parashar et al. 2025, arXiv 2506.06632"
    information = "level labels"
    timed = True
    order_free = True
    reaches_all = True

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0, total_steps: int = 1000) -> None:
        super().__init__(pool, seed)
        checks.positive(total_steps=total_steps)
        self.total_steps = total_steps
        self.levels = Groups(self.pool, "level", self.name)

    @property
    def passed(self) -> float:
        """Share of the schedule that is over, at most 1."""
        return min(self.step / self.total_steps, 1.0)


class E2HCosine(E2H):
    """From mostly the easiest level to mostly the hardest along half a cosine.

    With a = (1 + cos(pi s)) / 2 and i = 0 the easiest of K levels, the chance of a level is
    [a (K - i) + (1 - a) (i + 1)] / Z, Z = K (K + 1) / 2. Needs `total_steps`, the length of the
    run; unsafe where that is not known.
    """

    name = "e2h_cosine"

    def weights(self) -> Array:
        """Levels by the clock, units of a level alike."""
        number = len(self.levels.names)
        easy = (1 + np.cos(np.pi * self.passed)) / 2
        place = np.arange(number)
        return self.levels.spread(easy * (number - place) + (1 - easy) * (place + 1))


class E2HGaussian(E2H):
    """A bell over levels that moves from the easiest to the hardest, over a floor.

    Centre s^power (K - 1), width `sigma`; q is the bell over the K levels, and the chance of level
    i is m + (1 - K m) q_i with the floor m = 2 / (K (K + 1)). Needs `total_steps`.
    """

    name = "e2h_gaussian"

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        total_steps: int = 1000,
        sigma: float = 0.5,
        power: float = 0.5,
    ) -> None:
        super().__init__(pool, seed, total_steps)
        checks.positive(sigma=sigma, power=power)
        self.sigma, self.power = sigma, power

    def weights(self) -> Array:
        """Levels by the clock, units of a level alike."""
        number = len(self.levels.names)
        away = np.arange(number) - self.passed**self.power * (number - 1)
        bell = np.exp(-(away**2) / (2 * self.sigma**2))
        floor = 2 / (number * (number + 1))
        return self.levels.spread(floor + (1 - number * floor) * bell / bell.sum())
