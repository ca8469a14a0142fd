"""Mixture: fixed weights, whatever the outcomes. A hand-written schedule without time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import UnknownName, UserError
from ..base import Base
from ..pool import Pool
from ..state import Array


class Mixture(Base):
    """Chances in proportion to `weights`: by unit, not negative, not all zero."""

    name = "mixture"
    family = "control"
    order_free = True

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(pool, seed)
        given = dict.fromkeys(self.units, 1.0) if weights is None else dict(weights)
        for unit in given:
            if unit not in self.index:
                raise UnknownName("unit in the mixture's weights", unit, self.units)
        if any(not (weight >= 0 and math.isfinite(weight)) for weight in given.values()):
            raise UserError(f"mixture weights must be finite and not negative: {given}")
        if not any(given.values()):
            raise UserError("mixture weights are all zero")
        self.fixed = np.array([given.get(unit, 0.0) for unit in self.units])
        self.reaches_all = bool((self.fixed > 0).all())

    def weights(self) -> Array:
        """The given ones; a unit that was not named has none."""
        return self.fixed
