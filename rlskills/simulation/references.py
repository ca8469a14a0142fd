"""Curricula that only a simulation can have, as marks to measure the others by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ..curricula import Base, BoxPool, Choice, Pool

FLOOR = 1e-6
"""So that chances exist where everything is learned."""


class Oracle(Base):
    """In proportion to the true p(1 − p), learnable units only, which it is told at every step.

    A reference, not a bound: it is myopic, and a method that knows the prerequisites can beat it.
    """

    name = "oracle"
    information = "true success rates"
    family: ClassVar[str] = "reference"
    timed: ClassVar[bool] = True

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


class BoxUniform(Base):
    """Anywhere in the box with equal chance."""

    name = "uniform"
    family: ClassVar[str] = "control"

    def __init__(self, pool: BoxPool, seed: int = 0) -> None:
        super().__init__(pool, seed)
        self.box = pool

    def sample(self, k: int) -> list[Choice]:
        """`k` independent points."""
        return [
            Choice(choice.unit, step=choice.step, params=self._point())
            for choice in super().sample(k)
        ]

    def _point(self) -> tuple[float, ...]:
        corners = zip(self.box.low, self.box.high, strict=True)
        return tuple(self.rng.uniform(low, high) for low, high in corners)


class BoxOracle(BoxUniform):
    """A random cell among those that can grow now, which it is told at every step."""

    name = "oracle"
    information = "true success rates"
    family: ClassVar[str] = "reference"

    def __init__(self, pool: BoxPool, seed: int = 0) -> None:
        super().__init__(pool, seed)
        self.ready: Sequence[tuple[float, ...]] = ()

    def tell(self, ready: Sequence[tuple[float, ...]]) -> None:
        """Centres of the cells where practice bears fruit."""
        self.ready = ready

    def _point(self) -> tuple[float, ...]:
        return self.rng.choice(self.ready) if self.ready else super()._point()
