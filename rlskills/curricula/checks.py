"""Options and pools that make no sense end in one clear line."""

from __future__ import annotations

from ..errors import UserError
from .pool import BoxPool, Pool


def fraction(**options: float) -> None:
    """Each lies in [0, 1]."""
    for name, value in options.items():
        if not 0 <= value <= 1:
            raise UserError(f"{name} must lie between 0 and 1, but is {value}")


def positive(**options: float) -> None:
    """Each is above 0."""
    for name, value in options.items():
        if not value > 0:
            raise UserError(f"{name} must be positive, but is {value}")


def inside(**options: float) -> None:
    """Each lies strictly between 0 and 1."""
    for name, value in options.items():
        if not 0 < value < 1:
            raise UserError(f"{name} must lie strictly between 0 and 1, but is {value}")


def ordered(low: float, high: float) -> None:
    """The bounds of a band of pass rates."""
    if not 0 <= low <= high <= 1:
        raise UserError(f"a band needs 0 <= low <= high <= 1, but has {low} and {high}")


def needs_levels(pool: Pool, method: str) -> None:
    """Every unit has a level."""
    missing = [unit for unit in pool.units if unit not in pool.levels]
    if missing:
        raise UserError(f"{method} needs a level for every unit; {missing[0]!r} has none")


def needs_units(pool: Pool, method: str) -> None:
    """The pool is not a box of parameters."""
    if isinstance(pool, BoxPool):
        raise UserError(f"{method} chooses among named units, not in a box of parameters")


def bounds(low: int, mean: int, high: int) -> None:
    """Group sizes: a mean between two bounds, none below 1."""
    if not 1 <= low <= mean <= high:
        raise UserError(f"group sizes need 1 <= low <= mean <= high, not {low}, {mean}, {high}")
