"""Numbers by unit, summed up for a log: the mean over all units, by level and by skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .pool import Pool
from .state import Array, IntArray

FEW = 8
"""Up to this many levels or skills each have a mean of their own; of more, only the range."""


class Report:
    """The levels and skills of a pool, as arrays that average numbers of units."""

    def __init__(self, pool: Pool) -> None:
        levels = [(str(pool.levels[unit]),) if unit in pool.levels else () for unit in pool.units]
        skills = [tuple(dict.fromkeys(pool.skills.get(unit, ()))) for unit in pool.units]
        self.groups = {"level": _members(levels), "skill": _members(skills)}

    def means(self, name: str, values: Array) -> dict[str, float]:
        """The mean over all units and over those of each level and skill.

        A unit counts for each of its skills.
        """
        numbers = {name: float(values.mean())}
        for kind, (labels, unit, group) in self.groups.items():
            if labels:
                sums = np.bincount(group, weights=values[unit], minlength=len(labels))
                means = sums / np.bincount(group, minlength=len(labels))
                numbers |= summary(f"{name}/{kind}", labels, means)
        return numbers


def summary(name: str, labels: Sequence[str], values: Array) -> dict[str, float]:
    """Few values by label, of many the lowest and the highest."""
    if len(labels) <= FEW:
        return {f"{name}/{label}": float(v) for label, v in zip(labels, values, strict=True)}
    return {f"{name}/lowest": float(values.min()), f"{name}/highest": float(values.max())}


def _members(labels: Sequence[Sequence[str]]) -> tuple[list[str], IntArray, IntArray]:
    names = list(dict.fromkeys(label for several in labels for label in several))
    position = {name: i for i, name in enumerate(names)}
    pairs = [(unit, position[label]) for unit, several in enumerate(labels) for label in several]
    unit, group = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return names, unit, group


def concentration(probabilities: Array) -> Mapping[str, float]:
    """Entropy, the number of units that it is worth, and the largest probability."""
    entropy = float(-(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum())
    return {
        "entropy": entropy,
        "effective_units": float(np.exp(entropy)),
        "largest_probability": float(probabilities.max()),
    }
