"""Random subset: a fixed part of the pool, drawn once. The control of whatever leaves units out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..pool import Pool
from ..state import Array


class RandomSubset(Base):
    """Uniform over a `share` of the units that the seed draws once; the others never come up."""

    name = "random_subset"
    family = "control"
    order_free = True
    rows = ("chosen",)

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0, share: float = 0.25) -> None:
        super().__init__(pool, seed)
        checks.fraction(share=share)
        number = len(self.units)
        self.chosen = np.zeros(number)
        self.chosen[self.rng.sample(range(number), max(round(share * number), 1))] = 1.0

    def weights(self) -> Array:
        """One for each that was drawn."""
        return self.chosen
