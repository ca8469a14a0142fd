"""What can be chosen from: units, and what is known about them beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from math import inf

from typing_extensions import override

from ..environments import digest
from ..errors import UserError


@dataclass(frozen=True)
class Pool:
    """Units by name. A method may use only what its `information` names.

    `levels` are labels of difficulty from 1 on, `prerequisites` direct edges (the units that a unit
    is composed of), `skills` the atoms that a unit exercises. Each may be empty: not known.
    """

    units: tuple[str, ...]
    levels: Mapping[str, int] = field(default_factory=dict)
    prerequisites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skills: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an empty pool, a unit named twice, labels of unknown units, and cycles."""
        known = set(self.units)
        if not known:
            raise UserError("the pool of units is empty")
        if len(known) != len(self.units):
            raise UserError("the units of the pool are not distinct")
        edges = {part for parts in self.prerequisites.values() for part in parts}
        for unit in (*self.levels, *self.prerequisites, *edges, *self.skills):
            if unit not in known:
                raise UserError(f"the pool has no unit {unit!r}, which its labels name")
        try:
            TopologicalSorter(self.prerequisites).prepare()
        except CycleError as error:
            raise UserError(f"prerequisites form a cycle: {' -> '.join(error.args[1])}") from None

    @cached_property
    def digest(self) -> str:
        """A hash of the units and all that is known of them."""
        return digest(*(getattr(self, field.name) for field in fields(self)))

    @classmethod
    def of(cls, units: Pool | Sequence[str]) -> Pool:
        """The pool itself, or a pool of units of which nothing is known."""
        return units if isinstance(units, Pool) else cls(tuple(units))


@dataclass(frozen=True)
class BoxPool(Pool):
    """A single unit whose tasks are vectors between `low` and `high`, for box teachers."""

    units: tuple[str, ...] = ("box",)
    low: tuple[float, ...] = (0.0,)
    high: tuple[float, ...] = (1.0,)

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.units) != 1:
            raise UserError(f"a box is one unit, not {len(self.units)}")
        if not self.low or len(self.low) != len(self.high):
            raise UserError(f"the box's corners {self.low} and {self.high} do not fit together")
        if not all(-inf < a < b < inf for a, b in zip(self.low, self.high, strict=True)):
            raise UserError(f"the box has no room between {self.low} and {self.high}")


def needs_levels(pool: Pool, method: str) -> None:
    """Refuse a pool in which some unit has no level."""
    missing = [unit for unit in pool.units if unit not in pool.levels]
    if missing:
        raise UserError(f"{method} needs a level for every unit; {missing[0]!r} has none")
