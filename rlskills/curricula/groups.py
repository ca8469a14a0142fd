"""Groups of units that count as the same: by level, by skills, or each unit alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from .pool import Pool, needs_levels
from .state import Array

Grouping: TypeAlias = Literal["unit", "level", "skills", "all"]
INFORMATION = {"unit": "none", "level": "level labels", "skills": "skill tags", "all": "none"}


class Groups:
    """Which group each unit is in (`of`), the groups' names in order, and how large they are."""

    def __init__(self, pool: Pool, by: Grouping, method: str) -> None:
        if by == "level":
            needs_levels(pool, method)
            labels: Sequence[object] = [pool.levels[unit] for unit in pool.units]
            ordered: Sequence[object] = sorted({pool.levels[unit] for unit in pool.units})
        else:
            labels = [_label(pool, unit, by) for unit in pool.units]
            ordered = list(dict.fromkeys(labels))
        position = {label: i for i, label in enumerate(ordered)}
        self.names = tuple(str(label) for label in ordered)
        self.of = np.array([position[label] for label in labels], dtype=np.int64)
        self.size = np.bincount(self.of, minlength=len(ordered)).astype(float)
        self.information = INFORMATION[by]

    def spread(self, probabilities: Array) -> Array:
        """Probabilities of units from those of groups: within a group all are alike."""
        return (probabilities / self.size)[self.of]


def _label(pool: Pool, unit: str, by: Grouping) -> str:
    if by == "skills":
        return "+".join(sorted(set(pool.skills.get(unit, ()))))
    return unit if by == "unit" else "all"
