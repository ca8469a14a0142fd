"""Cover@tau: the share of problems that a model solves with a chance of tau or more.

It says how reliable a model is where pass@k of a large k says only whether it is ever right:
`pass@k = integral of k (1 - tau)^(k-1) Cover@tau over tau`, whose weights are near 0 for large k.
Source: Dragoi et al., "Beyond Pass@k" (arXiv 2510.08325). The posterior for few samples is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincc

from .counts import Counts, Floats, bounds, resampled_means, shares
from .forecast import Fit, fit_counts

TAUS = tuple(i / 20 for i in range(1, 21))
HEADLINE = (0.1, 0.5, 0.9)


@dataclass(frozen=True, eq=False)
class Cover:
    """Cover at each tau with a 95% bootstrap over problems, all of shape (taus,)."""

    taus: tuple[float, ...]
    share: Floats
    low: Floats
    high: Floats


def plain_cover(rates: Floats, taus: Sequence[float]) -> Floats:
    """Share of known rates that reach each tau, shape (taus,).

    With c/n for the rates it is coarse, and jumps at multiples of 1/n: `cover` is for counts.
    """
    levels = shares(taus, "taus")
    return (shares(rates, "rates")[:, None] >= levels).mean(axis=0)


def chance_of(fit: Fit, table: Counts, taus: Sequence[float]) -> Floats:
    """P(p_i >= tau) of each problem given its counts, `fit` being the prior: (problems, taus).

    No sampling says that a rate is 1, so at tau = 1 it is 0.
    """
    levels = shares(taus, "taus")
    n, c = table.n[:, None], table.c[:, None]
    solvable = betaincc(fit.alpha + c, fit.beta + n - c, levels)
    zero = np.where(table.c == 0, fit.zero_given_none(table.n), 0.0)[:, None]
    return (1 - zero) * solvable + zero * (levels == 0)


def cover(
    table: Counts, taus: Sequence[float] = TAUS, fit: Fit | None = None, seed: int = 0
) -> Cover:
    """Cover@tau from counts: the mean posterior over problems.

    `fit` is by default that of these counts (`forecast.fit_counts`). The band takes it for given.
    """
    values = chance_of(fit or fit_counts(table), table, taus)
    low, high = bounds(resampled_means(values, seed))
    return Cover(tuple(taus), values.mean(axis=0), low, high)


def mean_rates(fit: Fit, table: Counts) -> Floats:
    """Posterior mean of each problem's rate, which is the area under its curve of `chance_of`."""
    zero = np.where(table.c == 0, fit.zero_given_none(table.n), 0.0)
    return (1 - zero) * (fit.alpha + table.c) / (fit.alpha + fit.beta + table.n)


def pass_from_cover(taus: Sequence[float], values: Floats, k: int) -> float:
    """pass@k by the integral above, for a step curve that has value `values[i]` up to `taus[i]`.

    `taus` rise from above 0 to 1 and hold every jump; then it is exact.
    """
    weights = -np.diff(np.concatenate([[1.0], (1 - np.asarray(taus)) ** k]))
    return float(weights @ values)
