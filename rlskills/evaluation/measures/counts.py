"""What most measures start from: how many samples of each problem were drawn and were right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import UserError

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

RESAMPLES = 4000
HALF_DROP = 1.920729
"""Loss of log-likelihood at the ends of a 95% interval: half of the quantile of chi-squared."""
BLOCK = 500
"""Resamples that are in memory at once, where there are more problems than can be kept."""
KEPT = 4_000_000
"""Most numbers of draws that are kept for the next call, of 8 bytes each."""


@dataclass(frozen=True, eq=False)
class Counts:
    """`c[i]` right samples among the `n[i]` graded ones of problem i, both of shape (problems,).

    Samples whose grading failed are in neither. Two arms are comparable where problem i is the
    same problem in both. Make them with `counts`, which checks.
    """

    n: Ints
    c: Ints

    def __len__(self) -> int:
        return len(self.n)

    @property
    def rates(self) -> Floats:
        """The share of right samples of each problem."""
        return self.c / self.n

    @property
    def fewest(self) -> int:
        """The samples of the problem that has the fewest."""
        return int(self.n.min())


def counts(n: ArrayLike, c: ArrayLike) -> Counts:
    """Counts of problems; one `n` may serve all. A `UserError` for what no sampling gives."""
    right = _whole(c, "correct samples")
    drawn = np.broadcast_to(_whole(n, "samples"), right.shape).copy()
    if right.ndim != 1 or right.size == 0:
        raise UserError("counts need one row of problems, at least one")
    if drawn.min() < 1:
        raise UserError(f"problem {int(drawn.argmin())} has no graded sample")
    if (wrong := (right < 0) | (right > drawn)).any():
        i = int(wrong.argmax())
        raise UserError(f"problem {i} cannot have {right[i]} correct of {drawn[i]} samples")
    return Counts(drawn, right)


def paired(one: Counts, other: Counts) -> None:
    """A `UserError` where two arms cannot have been asked the same problems."""
    if len(one) != len(other):
        raise UserError(f"{len(one)} problems cannot be paired with {len(other)}")


def shares(values: ArrayLike, what: str) -> Floats:
    """Numbers within [0, 1] as one array; anything else is a `UserError`."""
    found = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if found.size == 0 or not ((found >= 0) & (found <= 1)).all():
        raise UserError(f"{what} must be numbers between 0 and 1, at least one")
    return found


def resampled_means(values: Floats, seed: int = 0, resamples: int = RESAMPLES) -> Floats:
    """Means of `values`, shape (problems, ...), over problems drawn anew with replacement.

    Shape (resamples, ...). A resample has the same problems in every column, so that what is
    computed across columns (differences of arms, of two k) keeps their correlation. The same
    `seed` draws the same problems whatever the columns.
    """
    size = len(values)
    columns = values.reshape(size, -1)
    draw = _drawn_once if size * resamples <= KEPT else _drawn
    parts = [times @ columns / size for times in draw(size, seed, resamples)]
    return np.concatenate(parts).reshape(resamples, *values.shape[1:])


def _drawn(size: int, seed: int, resamples: int) -> Iterator[Ints]:
    """How often each problem is drawn, shape (up to BLOCK, size), block by block."""
    generator = np.random.default_rng(seed)
    for begin in range(0, resamples, BLOCK):
        times = min(BLOCK, resamples - begin)
        yield generator.multinomial(size, np.full(size, 1 / size), size=times)


@lru_cache(maxsize=4)
def _drawn_once(size: int, seed: int, resamples: int) -> tuple[Ints, ...]:
    """The same, kept: drawing takes longer than all that is done with it."""
    return tuple(_drawn(size, seed, resamples))


def bounds(draws: Floats, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile bounds over the first axis. Infinite draws are allowed."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return np.asarray(low), np.asarray(high)


def _whole(values: ArrayLike, what: str) -> Ints:
    found = np.asarray(values)
    if found.dtype.kind not in "iufb" or not np.isfinite(found).all():
        raise UserError(f"numbers of {what} must be whole numbers, none missing")
    if (found != np.floor(found)).any():
        raise UserError(f"numbers of {what} must be whole numbers")
    return np.atleast_1d(found).astype(np.int64)
