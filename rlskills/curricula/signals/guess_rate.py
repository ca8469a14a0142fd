"""The pass rate of guessing: an answer that is right by chance, a verifier that errs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..state import Array, IntArray, Stateful


class GuessRate(Stateful):
    """An estimate of the guess rate: the lowest pass rate that many units share.

    While much of a pool is still out of reach, its units all pass at the guess rate: 0 under an
    exact verifier, more where it errs. The groups of a unit are split into two folds. The half of
    the units with the lowest rates in one fold is judged by the other fold, so that choosing the
    lowest does not bias the estimate. If the rates differ more than binomial noise allows
    (chi-square), some units are partly learned, and the estimate is discarded. `level` is the
    lowest estimate so far, 1 before any.

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
        """Update with mean pass rates of so many rollouts at positions `at`, in `groups` groups."""
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
        second = self._judged(self.right, self.tried, self.right_too, self.tried_too, least)
        first = self._judged(self.right_too, self.tried_too, self.right, self.tried, least)
        if first is not None and second is not None:
            self.level = min(self.level, (second + first) / 2)

    def _judged(
        self, right: Array, tried: Array, right_too: Array, tried_too: Array, least: float
    ) -> float | None:
        """Pass rate in the second fold of the half that is lowest in the first; None if unclear."""
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
    """Whether rates differ no more than binomial noise: chi-square within one deviation.

    The test is repeated with every batch, so equal rates pass soon even under this strict bound,
    and different rates rarely pass by repetition.
    """
    spread = ((right - tried * level) ** 2 / tried).sum() / max(level * (1 - level), 1e-9)
    free = len(right) - 1
    return bool(spread <= free + np.sqrt(2 * free))
