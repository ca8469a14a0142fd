"""pass@k: on how many problems is one of k samples right, and how much of that is chance.

Sources: Chen et al., "Evaluating Large Language Models Trained on Code" (arXiv 2107.03374, section
2.1) for pass@k; Wen et al. (arXiv 2506.14245) for counting only samples whose steps are right too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...errors import UserError
from ...stats import T_MINIMUM, Interval, pass_curve, seed_band
from .counts import Bools, Counts, Floats, bounds, paired, resampled_means, shares


@dataclass(frozen=True, eq=False)
class Curve:
    """A mean over problems at each k, with a 95% band; all arrays of shape (ks,)."""

    ks: tuple[int, ...]
    mean: Floats
    low: Floats
    high: Floats
    method: str

    def at(self, k: int) -> Interval:
        """The value at one k; a `UserError` where it was not computed."""
        if k not in self.ks:
            raise UserError(f"k={k} was not computed, only {', '.join(map(str, self.ks))}")
        i = self.ks.index(k)
        return Interval(float(self.mean[i]), float(self.low[i]), float(self.high[i]), self.method)


def pass_at(counts: Counts, ks: Sequence[int]) -> Floats:
    """Unbiased `1 - C(n-c, k) / C(n, k)` of each problem: shape (problems, ks).

    A k above the samples of any problem is a `UserError`: there is no unbiased estimate. At k = n
    it is 0 or 1, so draw twice the largest k where the spread matters.
    """
    places = _places(counts, ks)
    values = np.empty((len(counts), len(places)))
    for n in np.unique(counts.n):
        mine = counts.n == n
        different, back = np.unique(counts.c[mine], return_inverse=True)
        values[mine] = pass_curve(int(n), different, int(places.max()) + 1)[back][:, places]
    return values


def all_right(counts: Counts, ks: Sequence[int]) -> Floats:
    """pass^k, the chance that all k samples are right: `C(c, k) / C(n, k)`, shape (problems, ks).

    It is 1 minus the chance that one of k is wrong, so exact to 1e-15 absolutely.
    """
    return 1 - pass_at(Counts(counts.n, counts.n - counts.c), ks)


def verified_counts(correct: Counts, verified: ArrayLike) -> Counts:
    """Counts in which only samples with the right answer and right steps count as right.

    `verified`, shape (problems,), are their numbers; `pass_at` of the result is verified pass@k.
    """
    found = np.asarray(verified)
    if found.shape != correct.c.shape or (found < 0).any() or (found > correct.c).any():
        raise UserError("verified samples must be some of the correct ones, problem by problem")
    return Counts(correct.n, found.astype(np.int64))


def verified_given_correct(correct: Counts, verified: Counts, seed: int = 0) -> Interval:
    """The share of right answers whose steps are right too; its fall means lucky answers.

    A ratio of totals, with a bootstrap over problems, for samples of one problem are alike.
    """
    paired(correct, verified)
    if not correct.c.any():
        raise UserError("no answer is correct, so none can be verified")
    totals = np.stack([verified.c, correct.c], axis=1).astype(np.float64)
    draws = resampled_means(totals, seed)
    draws = draws[draws[:, 1] > 0]
    low, high = bounds(draws[:, 0] / draws[:, 1])
    share = float(verified.c.sum() / correct.c.sum())
    return Interval(share, min(share, float(low)), max(share, float(high)), "bootstrap of problems")


def over_problems(values: Floats, ks: Sequence[int], seed: int = 0) -> Curve:
    """The mean of `values` (problems, ks) with a bootstrap over problems: new problems, same model.

    For two arms give the differences of their values: they are then paired by problem.
    """
    mean = values.mean(axis=0)
    low, high = bounds(resampled_means(values, seed))
    how = "bootstrap over problems"
    return Curve(tuple(ks), mean, np.minimum(low, mean), np.maximum(high, mean), how)


def over_seeds(values: Floats, ks: Sequence[int]) -> Curve:
    """The mean of `values` (seeds, problems, ks): new training runs, same problems.

    Student's t over the seeds' means from three seeds on, else their range.
    """
    per_seed = values.mean(axis=1)
    low, high = seed_band(per_seed)
    how = "Student's t" if len(per_seed) >= T_MINIMUM else "range"
    return Curve(tuple(ks), per_seed.mean(axis=0), low, high, f"{how} over {len(per_seed)} seeds")


def chance_floor(guess: ArrayLike, ks: Sequence[int]) -> Floats:
    """pass@k of a guesser that is right with chance `guess[i]`: mean of `1-(1-q)^k`, shape (ks,).

    The guess rate that says most is that of the model's own samples scored against the answers of
    other problems of the level; others are the most frequent answer, a copy of the input, and one
    over the number of answers there can be.
    """
    rates = shares(guess, "guess rates")
    if not ks or min(ks) < 1:
        raise UserError("k must be 1 or more")
    with np.errstate(divide="ignore"):
        return -np.expm1(np.log1p(-rates)[:, None] * np.asarray(ks)).mean(axis=0)


def above_floor(mean: Floats, floor: Floats) -> Bools:
    """At which k a curve still says something: up to where the floor is over half of its value."""
    return np.logical_and.accumulate(floor <= mean / 2)


def _places(counts: Counts, ks: Sequence[int]) -> np.ndarray:
    if not ks or min(ks) < 1:
        raise UserError("k must be 1 or more")
    if max(ks) > counts.fewest:
        raise UserError(
            f"pass@{max(ks)} needs {max(ks)} samples of every problem, and one has "
            f"{counts.fewest}: draw more or use forecast"
        )
    return np.asarray(ks, dtype=np.int64) - 1
