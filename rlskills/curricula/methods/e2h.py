"""E2H: levels from easy to hard by the clock alone, as a cosine or as a moving bell.

Parashar et al. 2025, "Curriculum Reinforcement Learning from Easy to Hard Tasks Improves LLM
Reasoning", arXiv 2506.06632.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..groups import Groups
from ..options import positive
from ..state import Array


class E2H(Base):
    """What both schedules share: K levels, and s, the share of `total_steps` that has passed."""

    family = "schedule"
    paper = "Parashar et al. 2025, arXiv 2506.06632"
    information = "level labels"
    timed = True
    order_free = True
    reaches_all = True

    @dataclass(frozen=True)
    class Options(Base.Options):
        total_steps: int = positive(1000)
        """Length of the run, in batches."""

    options: Options

    @override
    def setup(self) -> None:
        self.levels = Groups(self.pool, "level", self.name)

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"passed": self.passed}

    @property
    def passed(self) -> float:
        """Share of the schedule that is over, at most 1."""
        return min(self.step / self.options.total_steps, 1.0)


class E2HCosine(E2H):
    """From mostly the easiest level to mostly the hardest along half a cosine.

    With a = (1 + cos(pi s)) / 2 and i = 0 the easiest of K levels, the probability of a level is
    [a (K - i) + (1 - a) (i + 1)] / Z, Z = K (K + 1) / 2. Needs `total_steps`, the length of the
    run; unsafe where that is not known.
    """

    name = "e2h_cosine"

    @override
    def weights(self) -> Array:
        number = len(self.levels.names)
        easy = (1 + np.cos(np.pi * self.passed)) / 2
        rank = np.arange(number)
        return self.levels.spread(easy * (number - rank) + (1 - easy) * (rank + 1))


class E2HGaussian(E2H):
    """A bell over levels that moves from the easiest to the hardest, over a floor.

    Centre s^power (K - 1), width `sigma`; q is the bell over the K levels, and the probability of
    level i is m + (1 - K m) q_i with the floor m = 2 / (K (K + 1)). Needs `total_steps`.
    """

    name = "e2h_gaussian"

    @dataclass(frozen=True)
    class Options(E2H.Options):
        sigma: float = positive(0.5)
        """Width of the bell, in levels."""
        power: float = positive(0.5)
        """Exponent of the clock; below 1 the bell is fast at first."""

    options: Options  # pyright: ignore[reportIncompatibleVariableOverride]

    @override
    def weights(self) -> Array:
        number = len(self.levels.names)
        away = np.arange(number) - self.passed**self.options.power * (number - 1)
        bell = np.exp(-(away**2) / (2 * self.options.sigma**2))
        floor = 2 / (number * (number + 1))
        return self.levels.spread(floor + (1 - number * floor) * bell / bell.sum())
