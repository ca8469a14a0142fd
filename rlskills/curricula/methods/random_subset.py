"""Random subset: a fixed part of the pool, drawn once. The control of whatever leaves units out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..options import fraction
from ..state import Array


class RandomSubset(Base):
    """Uniform over a `share` of the units that the seed draws once; the others never come up."""

    name = "random_subset"
    family = "control"
    order_free = True
    rows = ("chosen",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        share: float = fraction(0.25)
        """Share of the units that is drawn; at least one unit is."""

    options: Options

    @override
    def setup(self) -> None:
        number = len(self.units)
        self.chosen = np.zeros(number)
        size = max(round(self.options.share * number), 1)
        self.chosen[self.rng.sample(range(number), size)] = 1.0

    @override
    def weights(self) -> Array:
        return self.chosen
