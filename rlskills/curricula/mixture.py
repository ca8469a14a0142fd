"""Mixture: fixed weights, whatever the outcomes. A hand-written schedule without time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from .interface import Base


class Mixture(Base):
    """Chances in proportion to `weights` (by unit, not negative, not all zero)."""

    name = "mixture"

    def __init__(self, weights: Mapping[str, float], seed: int = 0) -> None:
        super().__init__(list(weights), seed)
        total = sum(weights.values())
        if any(not (weight >= 0 and math.isfinite(weight)) for weight in weights.values()):
            raise UserError(f"mixture weights must be finite and not negative: {dict(weights)}")
        if total <= 0:
            raise UserError("mixture weights are all zero")
        self.weights = {unit: weight / total for unit, weight in weights.items()}

    def probabilities(self) -> Mapping[str, float]:
        """The normalised weights."""
        return self.weights

    def state_dict(self) -> dict[str, Any]:
        """Also the weights, so that a state is not continued under others."""
        return super().state_dict() | {"weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a mixture of the same weights."""
        if state.get("weights") != self.weights:
            raise UserError(f"mixture state has weights {state.get('weights')}, not {self.weights}")
        super().load_state_dict(state)
