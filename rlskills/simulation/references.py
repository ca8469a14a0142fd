"""Curricula that only a simulation can have, as marks to measure the others by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ..curricula import Base, BoxPool, Pool
from ..curricula.boxes import BoxTeacher

FLOOR = 1e-6
"""So that chances exist where everything is learned."""


class Oracle(Base):
    """In proportion to the true p(1 − p), learnable units only, which it is told at every step.

    A reference, not a bound: it is myopic, and a method that knows the prerequisites can beat it.
    """

    name = "oracle"
    information = "true success rates"
    family: ClassVar[str] = "reference"

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0) -> None:
        super().__init__(pool, seed)
        self.worth = np.ones(len(self.units))

    def tell(self, truth: Mapping[str, float]) -> None:
        """True success rates of the learnable units; units left out are never drawn."""
        for unit in self.units:
            rate = truth.get(unit)
            worth = 0.0 if rate is None else rate * (1 - rate) + FLOOR
            self.worth[self.index[unit]] = worth
        self.changed()

    def weights(self) -> np.ndarray:
        """p(1 − p)."""
        return self.worth


class BoxOracle(BoxTeacher):
    """A random cell among those that can grow now, which it is told at every step."""

    name = "oracle"
    information = "true success rates"
    family: ClassVar[str] = "reference"

    def __init__(self, pool: BoxPool, seed: int = 0) -> None:
        super().__init__(pool, seed)
        self.ready = np.zeros((0, len(self.low)))

    def tell(self, ready: Sequence[tuple[float, ...]]) -> None:
        """Centres, in the box scaled to [0, 1], of the cells where practice bears fruit."""
        self.ready = np.array(ready, dtype=float).reshape(-1, len(self.low))

    def draw(self, k: int) -> np.ndarray:
        """Their centres, each as likely; anywhere once nothing is left."""
        if not len(self.ready):
            return super().draw(k)
        return self.ready[self.noise.integers(len(self.ready), size=k)]
