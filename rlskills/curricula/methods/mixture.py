"""Mixture: fixed weights, whatever the outcomes. A hand-written schedule without time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ...errors import UnknownName, UserError
from ..base import Base
from ..state import Array


class Mixture(Base):
    """Probabilities in proportion to `weights`: by unit, not negative, not all zero."""

    name = "mixture"
    family = "control"
    order_free = True

    @dataclass(frozen=True)
    class Options(Base.Options):
        weights: Mapping[str, float] | None = None
        """Weight of each unit; a unit that is not named is never drawn. None: all alike."""

    options: Options

    @override
    def setup(self) -> None:
        weights = self.options.weights
        given = dict.fromkeys(self.units, 1.0) if weights is None else dict(weights)
        for unit in given:
            if unit not in self.index:
                raise UnknownName("unit in the mixture's weights", unit, self.units)
        if min(given.values(), default=0) < 0:
            raise UserError(f"mixture weights must not be negative: {given}")
        if not any(given.values()):
            raise UserError("mixture weights are all zero")
        self.fixed = np.array([given.get(unit, 0.0) for unit in self.units])
        self.reaches_all = bool((self.fixed > 0).all())

    @override
    def weights(self) -> Array:
        return self.fixed
