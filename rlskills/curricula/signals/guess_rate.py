"""The pass rate that comes by luck: a guess that is right, a verifier that errs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..state import Array, IntArray, Stateful


class Luck(Stateful):
    """The lowest pass rate that many units share, found without being told.

    While much of a pool is still out of reach, its units all pass at the rate of luck: 0 under an
    exact verifier, more where it errs. The half with the lowest rates in one part of the groups is
    judged by the other part, so that choosing the lowest does not bias what is found. What partial
    ability leaves is not alike across units (a chi-square test of their rates says so) and does
    not count. `level` is the least that was found so far, 1 before anything was.

    The estimate and its use are this project's; docs/curriculum_bench.md shows what they are worth.
    """

    rows = ("right", "tried", "right_too", "tried_too")
    saved = ("level",)

    def __init__(self, keys: Sequence[str], evidence: int = 20, units: int = 8) -> None:
        self.keys = tuple(keys)
        self.evidence = evidence
        self.units = units
        self.level = 1.0
        self.right, self.tried, self.right_too, self.tried_too = (
            np.zeros(len(self.keys)) for _ in range(4)
        )

    def update(self, at: IntArray, mean: Array, rollouts: Array, groups: int) -> None:
        """Take in mean rewards of so many rollouts at positions `at`, in `groups` groups."""
        if not self.level:
            return  # it can fall no lower
        later = self.tried_too[at] < self.tried[at]
        for right, tried, part in (
            (self.right, self.tried, ~later),
            (self.right_too, self.tried_too, later),
        ):
            right[at[part]] += (mean * rollouts)[part]
            tried[at[part]] += rollouts[part]
        least = self.evidence * float(rollouts.sum()) / max(groups, 1)
        one = self._judged(self.right, self.tried, self.right_too, self.tried_too, least)
        other = self._judged(self.right_too, self.tried_too, self.right, self.tried, least)
        if one is not None and other is not None:
            self.level = min(self.level, (one + other) / 2)

    def _judged(
        self, right: Array, tried: Array, right_too: Array, tried_too: Array, least: float
    ) -> float | None:
        """Pass rate in the second fold of the half that is lowest in the first; None: unclear."""
        half = len(self.keys) // 2
        if np.count_nonzero(tried) <= len(self.keys) - half:
            return None  # units not tried might be the lowest
        rate = np.where(tried > 0, right / np.maximum(tried, 1), -1.0)
        low = np.argpartition(rate, half)[:half]
        low = low[(tried[low] > 0) & (tried_too[low] > 0)]
        number = tried_too[low].sum()
        if number < least or len(low) < self.units:
            return None
        level = float(right_too[low].sum() / number)
        return level if _alike(right_too[low], tried_too[low], level) else None


def _alike(right: Array, tried: Array, level: float) -> bool:
    """Whether rates differ no more than chance makes them: chi-square within one deviation.

    Every batch asks again, so alike rates pass soon, and others must not pass by repetition.
    """
    spread = ((right - tried * level) ** 2 / tried).sum() / max(level * (1 - level), 1e-9)
    free = len(right) - 1
    return bool(spread <= free + np.sqrt(2 * free))
