"""Numbers by unit, summed up for a log: by unit in small pools, by level and by skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .pool import Pool
from .state import Array

FEW = 64
"""More units, levels or skills than this are not logged one by one."""


class Report:
    """The levels and skills of a pool, as arrays that sum up numbers of units."""

    def __init__(self, pool: Pool) -> None:
        self.units = pool.units if len(pool.units) <= FEW else ()
        levels = [(str(pool.levels[unit]),) if unit in pool.levels else () for unit in pool.units]
        skills = [tuple(dict.fromkeys(pool.skills.get(unit, ()))) for unit in pool.units]
        self.kinds = {"level": _entries(levels), "skill": _entries(skills)}

    def shares(self, name: str, values: Array) -> dict[str, float]:
        """By unit, and summed up by level and by skill (a unit counts for each of its skills)."""
        told = {f"{name}/{unit}": float(v) for unit, v in zip(self.units, values, strict=False)}
        return told | self._summed(name, values, mean=False)

    def means(self, name: str, values: Array) -> dict[str, float]:
        """The mean over all units, and means by level and by skill."""
        return {name: float(values.mean())} | self._summed(name, values, mean=True)

    def _summed(self, name: str, values: Array, mean: bool) -> dict[str, float]:
        told = {}
        for kind, (names, unit, group) in self.kinds.items():
            if 0 < len(names) <= FEW:
                sums = np.bincount(group, weights=values[unit], minlength=len(names))
                sums = sums / np.bincount(group, minlength=len(names)) if mean else sums
                told |= {f"{name}/{kind}/{n}": float(v) for n, v in zip(names, sums, strict=True)}
        return told


def _entries(labels: Sequence[Sequence[str]]) -> tuple[list[str], np.ndarray, np.ndarray]:
    names = list(dict.fromkeys(label for several in labels for label in several))
    place = {name: i for i, name in enumerate(names)}
    pairs = [(unit, place[label]) for unit, several in enumerate(labels) for label in several]
    unit, group = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return names, unit, group


def concentration(chances: Array) -> Mapping[str, float]:
    """Entropy of the chances, the number of units that it is worth, and the largest chance."""
    entropy = float(-(chances * np.log(np.maximum(chances, 1e-300))).sum())
    return {
        "entropy": entropy,
        "effective_units": float(np.exp(entropy)),
        "largest_probability": float(chances.max()),
    }
