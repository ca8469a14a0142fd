"""pass@k beyond the samples there are, and the share of problems that no number of them solves.

Success rates of problems are taken for draws from a Beta(alpha, beta) distribution, but for a share
`zero` of problems that cannot be solved at all. Both are fitted to raw counts by maximum
likelihood, since fits of lines to log pass@k diverge.

Sources: Kazdan et al., "Efficient Prediction of Pass@k Scaling" (arXiv 2510.05197) for the
beta-binomial; Schaeffer et al. (arXiv 2502.17578) for the power law of its tail. The mass at zero
is an addition; only samples spent on the problems without a success tell it from a small rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, root_scalar
from scipy.special import betaln, chdtrc, digamma, expit, gammaln, logit

from ...errors import UserError
from ...stats import Interval
from .counts import HALF_DROP, Counts, Floats, bounds, counts
from .pass_at_k import Curve, pass_at

LIMITS = ((-16.0, 16.0), (-6.0, 13.0))
"""Of the mean's logit and the logarithm of alpha + beta, whose upper end is one rate for all."""
STARTS = ((-2.0, 0.0), (0.0, 3.0), (-5.0, 1.0))


@dataclass(frozen=True)
class Fit:
    """A fitted distribution of success rates, `zero` being its mass at 0."""

    alpha: float
    beta: float
    zero: float
    log_likelihood: float

    def pass_at(self, ks: Sequence[int]) -> Floats:
        """Expected pass@k, shape (ks,): `(1 - zero) (1 - B(alpha, beta + k) / B(alpha, beta))`."""
        k = np.asarray(ks, dtype=np.float64)
        wrong = betaln(self.alpha, self.beta + k) - betaln(self.alpha, self.beta)
        return -(1 - self.zero) * np.expm1(wrong)

    def tail(self, k: float) -> float:
        """What 1 - pass@k of the solvable problems tends to: a power law of exponent -alpha."""
        scale = gammaln(self.alpha + self.beta) - gammaln(self.beta)
        return float(np.exp(scale - self.alpha * np.log(k)))

    def zero_given_none(self, n: np.ndarray | int) -> Floats:
        """The chance that a problem with no success in n samples is one of those at 0."""
        k = np.asarray(n, dtype=np.float64)
        none = np.exp(betaln(self.alpha, self.beta + k) - betaln(self.alpha, self.beta))
        return self.zero / (self.zero + (1 - self.zero) * none)


@dataclass(frozen=True)
class Check:
    """Whether a fit says what the counts say, as far as they go."""

    ratio: float
    """Twice the log-likelihood that the mass at zero adds."""
    p: float
    """Of no mass at zero; at the boundary, so half of that of chi-squared with 1 degree."""
    zeros: tuple[float, float]
    """Problems without a success: expected, and seen."""
    gap: float
    """The largest difference of fitted and unbiased pass@k at powers of two up to n."""


def fit_counts(table: Counts, with_zero: bool = True) -> Fit:
    """The most likely distribution of rates; a `UserError` where no problem was ever solved.

    With `with_zero` a mass at zero is fitted as well, and is 0 where it does not help.
    """
    if not table.c.any():
        raise UserError(f"no problem was solved in {table.n.max()} samples: nothing to forecast by")
    rows, times = np.unique(np.stack([table.n, table.c]), axis=1, return_counts=True)
    return _fit(rows, times.astype(np.float64), with_zero)


def forecast(table: Counts, ks: Sequence[int], seed: int = 0, resamples: int = 200) -> Curve:
    """pass@k at any k, with a 95% bootstrap over problems, each resample fitted anew."""
    best = fit_counts(table)
    rows, back = np.unique(np.stack([table.n, table.c]), axis=1, return_inverse=True)
    generator, draws = np.random.default_rng(seed), []
    size = len(table)
    for _ in range(resamples):
        drawn = back.ravel()[generator.integers(size, size=size)]
        times = np.bincount(drawn, minlength=rows.shape[1]).astype(np.float64)
        solved = (times * rows[1]).any()
        found = _fit(rows, times, True, near=best).pass_at(ks) if solved else np.zeros(len(ks))
        draws.append(found)
    mean = best.pass_at(ks)
    low, high = bounds(np.array(draws))
    how = f"beta-binomial, {resamples} bootstraps over problems"
    return Curve(tuple(ks), mean, np.minimum(low, mean), np.maximum(high, mean), how)


def zero_interval(table: Counts) -> Interval:
    """The mass at zero with its 95% profile-likelihood interval."""
    best = fit_counts(table)
    rows, times = np.unique(np.stack([table.n, table.c]), axis=1, return_counts=True)

    def excess(zero: float) -> float:
        """Log-likelihood lost at this mass, beyond what an interval allows."""
        loss, _ = _best(rows, times.astype(np.float64), _place(best), zero)
        return loss + best.log_likelihood - HALF_DROP

    low = (
        0.0
        if excess(0.0) <= 0
        else float(root_scalar(excess, bracket=(0.0, best.zero), xtol=1e-5).root)
    )
    high = float(root_scalar(excess, bracket=(best.zero, 1 - 1e-9), xtol=1e-5).root)
    return Interval(best.zero, low, high, "profile likelihood over problems")


def check(table: Counts) -> Check:
    """Goodness of the fit, by the counts it was fitted to."""
    plain, best = fit_counts(table, with_zero=False), fit_counts(table)
    ratio = max(0.0, 2 * (best.log_likelihood - plain.log_likelihood))
    p = 1.0 if best.zero == 0 else 0.5 * float(chdtrc(1, ratio))
    different, back = np.unique(table.n, return_inverse=True)
    expected = float((1 - best.pass_at(different.tolist()))[back].sum())
    ks = [2**i for i in range(int(np.log2(table.fewest)) + 1)]
    gap = float(np.abs(best.pass_at(ks) - pass_at(table, ks).mean(axis=0)).max())
    return Check(ratio, p, (expected, float((table.c == 0).sum())), gap)


def backtest(table: Counts, size: int, ks: Sequence[int], seed: int = 0) -> tuple[Floats, Floats]:
    """What `size` samples of each problem would have forecast, and what all of them say.

    Both of shape (ks,). The few are drawn from the many without replacement.
    """
    if not 1 <= size <= table.fewest:
        raise UserError(f"{size} samples cannot be drawn from {table.fewest}")
    generator = np.random.default_rng(seed)
    few = counts(size, generator.hypergeometric(table.c, table.n - table.c, size))
    return fit_counts(few).pass_at(ks), pass_at(table, ks).mean(axis=0)


def _fit(rows: np.ndarray, times: Floats, with_zero: bool, near: Fit | None = None) -> Fit:
    """Of different (n, c), shape (2, rows), and how many problems have each."""
    starts = [_place(near)] if near else list(STARTS)
    loss, place = min(_best(rows, times, start, 0.0) for start in starts)
    zero, share = 0.0, float(times[rows[1] == 0].sum() / times.sum())
    if with_zero and share > 0:
        begin = float(logit(near.zero if near and near.zero else 0.9 * share))
        if near:  # of a resample: only where some mass at zero is better than none
            starts = [place] if _helps(rows, times, place) else []
        for start in starts if near else [*starts, place]:
            found, end = _best(rows, times, (*start, begin))
            # A mass at zero has to be worth more than rounding.
            if found < loss - 1e-6:
                loss, place, zero = found, end[:2], float(expit(end[2]))
    mean, size = float(expit(place[0])), float(np.exp(place[1]))
    return Fit(mean * size, float(expit(-place[0])) * size, zero, -loss)


def _loss(x: Floats, rows: np.ndarray, times: Floats, fixed: float | None) -> tuple[float, Floats]:
    """Minus the log-likelihood, and its gradient in x: the logit of the mean, the logarithm of
    alpha + beta, and the logit of the mass at zero unless that is `fixed`."""
    n, c = rows
    size = np.exp(x[1])
    alpha, beta = expit(x[0]) * size, expit(-x[0]) * size
    zero = float(expit(x[2])) if fixed is None else fixed
    ways = gammaln(n + 1) - gammaln(c + 1) - gammaln(n - c + 1)
    log = ways + betaln(c + alpha, n - c + beta) - betaln(alpha, beta)
    chance, none = np.exp(log), c == 0
    either = np.where(none, zero + (1 - zero) * chance, (1 - zero) * chance)
    total = np.where(none, np.log(either), np.log1p(-zero) + log)
    solvable = np.where(none, (1 - zero) * chance / either, 1.0) * times
    both = digamma(size) - digamma(n + size)
    by_alpha = solvable @ (digamma(c + alpha) - digamma(alpha) + both)
    by_beta = solvable @ (digamma(n - c + beta) - digamma(beta) + both)
    slope = [alpha * beta / size * (by_alpha - by_beta), alpha * by_alpha + beta * by_beta]
    if fixed is None:
        gain = np.where(none, (1 - zero) * (1 - chance) / np.where(none, either, 1.0), -1.0)
        slope.append(zero * (times @ gain))
    return -float(times @ total), -np.array(slope)


def _helps(rows: np.ndarray, times: Floats, place: tuple[float, ...]) -> bool:
    """Whether the likelihood rises when a little mass is moved to zero."""
    return -_loss(np.array([*place, -12.0]), rows, times, None)[1][2] > 0


def _best(
    rows: np.ndarray, times: Floats, start: tuple[float, ...], fixed: float | None = None
) -> tuple[float, tuple[float, ...]]:
    """The least loss from a start, and where it is."""
    found = minimize(
        _loss, start, (rows, times, fixed), "L-BFGS-B", jac=True,
        bounds=[*LIMITS, (-16.0, 16.0)][: len(start)], options={"ftol": 1e-10},
    )  # fmt: skip
    return float(found.fun), tuple(float(each) for each in found.x)


def _place(fit: Fit) -> tuple[float, float]:
    return float(np.log(fit.alpha / fit.beta)), float(np.log(fit.alpha + fit.beta))
