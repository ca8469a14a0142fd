"""Uniform: every unit equally often. The control that every other curriculum must beat."""

from __future__ import annotations

from .interface import Base


class Uniform(Base):
    """Equal chances for all units, whatever the outcomes."""

    name = "uniform"
