"""Curricula that only a simulation can have, as marks to measure the others by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from typing_extensions import override

from ..curricula import Base
from ..curricula.boxes import BoxTeacher

FLOOR = 1e-6
"""So that probabilities exist where everything is learned."""


class Oracle(Base):
    """Units in proportion to the true p(1 − p), learnable units only.

    The simulation informs it at every step.

    A reference, not a bound: it is myopic, and a method that knows the prerequisites can beat it.
    """

    name = "oracle"
    information = "true success rates"
    family: ClassVar[str] = "reference"

    @override
    def setup(self) -> None:
        self.worth = np.ones(len(self.units))

    def inform(self, truth: Mapping[str, float]) -> None:
        """True success rates of the learnable units; units left out are never drawn."""
        for unit in self.units:
            rate = truth.get(unit)
            worth = 0.0 if rate is None else rate * (1 - rate) + FLOOR
            self.worth[self.index[unit]] = worth
        self.invalidate()

    @override
    def weights(self) -> np.ndarray:
        return self.worth


class BoxOracle(BoxTeacher):
    """A random cell among those that can grow now; the simulation informs it at every step."""

    name = "oracle"
    information = "true success rates"
    family: ClassVar[str] = "reference"

    @override
    def setup(self) -> None:
        self.ready = np.zeros((0, len(self.low)))

    def inform(self, ready: Sequence[tuple[float, ...]]) -> None:
        """Centres, in the box scaled to [0, 1], of the cells that a visit raises."""
        self.ready = np.array(ready, dtype=float).reshape(-1, len(self.low))

    @override
    def draw(self, k: int) -> np.ndarray:
        if not len(self.ready):
            return super().draw(k)
        return self.ready[self.noise.integers(len(self.ready), size=k)]
