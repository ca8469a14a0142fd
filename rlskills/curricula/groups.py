"""Units in groups that are handled as one: by level, by skills, or each alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UnknownName
from .checks import needs_levels
from .pool import Pool
from .state import Array

TIERS = {"unit": "none", "level": "level labels", "skills": "skill tags", "all": "none"}


class Groups:
    """Which group each unit is in (`of`), the groups' names in order, and how large they are."""

    def __init__(self, pool: Pool, by: str, method: str) -> None:
        if by not in TIERS:
            raise UnknownName(f"grouping for {method}", by, TIERS)
        if by == "level":
            needs_levels(pool, method)
            labels: Sequence[object] = [pool.levels[unit] for unit in pool.units]
            ordered: Sequence[object] = sorted({pool.levels[unit] for unit in pool.units})
        else:
            labels = [_label(pool, unit, by) for unit in pool.units]
            ordered = list(dict.fromkeys(labels))
        place = {label: i for i, label in enumerate(ordered)}
        self.names = tuple(str(label) for label in ordered)
        self.of = np.array([place[label] for label in labels], dtype=np.int64)
        self.size = np.bincount(self.of, minlength=len(ordered)).astype(float)
        self.information = TIERS[by]

    def spread(self, chances: Array) -> Array:
        """Chances of units from chances of groups: within a group all are alike."""
        return (chances / self.size)[self.of]


def _label(pool: Pool, unit: str, by: str) -> str:
    if by == "skills":
        return "+".join(sorted(set(pool.skills.get(unit, ()))))
    return unit if by == "unit" else "all"
