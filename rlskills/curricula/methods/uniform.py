"""Uniform: every unit equally often. The control that every other curriculum must beat."""

from __future__ import annotations

from ..base import Base


class Uniform(Base):
    """Equal probabilities for all units, whatever the outcomes."""

    name = "uniform"
    family = "control"
    order_free = True
    reaches_all = True
