"""Random subset: a part of the pool at a time. The control of whatever leaves units out.

Drawn once it is what repeated sampling of subsets (RS2) is compared with: Okanovic et al. 2024,
arXiv 2305.18424. There each round (epoch) has a subset of its own, drawn afresh, or the next slice
of a shuffled order. Where the last slice of an order is short, it stays short; then the units are
shuffled again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from typing_extensions import override

from ..base import Base
from ..options import at_least, fraction
from ..state import Array


class RandomSubset(Base):
    """Uniform over a `share` of the units, which the seed draws once, or anew for each round."""

    name = "random_subset"
    family = "control"
    paper = "Okanovic et al. 2024 (RS2), arXiv 2305.18424"
    order_free = True
    rows = ("chosen", "rank")
    saved = ("position",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        share: float = fraction(0.25)
        """Share of the units that is drawn; at least one unit is."""
        redraw: Literal["never", "fresh", "slices"] = "never"
        """Keep the subset, draw each one from all units, or take slices of a shuffled order, so
        that every unit comes up once before any does again."""
        every: int = at_least(1, 1)
        """Batches for which a subset is kept before the next one, where there is a next one."""

    options: Options

    @override
    def setup(self) -> None:
        number = len(self.units)
        self.size = max(round(self.options.share * number), 1)
        self.rank = np.arange(number, dtype=np.float64)
        """Where each unit stands in the shuffled order."""
        self.position = number
        """How much of that order was taken."""
        self.chosen = np.zeros(number)
        self.choose()

    def choose(self) -> None:
        """The next subset."""
        number = len(self.units)
        if self.options.redraw != "slices":
            taken = self.rng.sample(range(number), self.size)
        else:
            if self.position >= number:
                self.rank[self.rng.sample(range(number), number)] = np.arange(number)
                self.position = 0
            order = np.argsort(self.rank, kind="stable")
            taken = order[self.position : self.position + self.size].tolist()
            self.position += self.size
        self.chosen[:] = 0.0
        self.chosen[taken] = 1.0

    @override
    def on_sample(self, chosen: Sequence[int]) -> None:
        super().on_sample(chosen)
        if self.options.redraw != "never" and self.step % self.options.every == 0:
            self.choose()
            self.invalidate()

    @override
    def weights(self) -> Array:
        return self.chosen
