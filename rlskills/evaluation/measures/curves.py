"""When a skill begins, and whether going on would still bring something.

`onset` finds where a series of pass counts leaves its first level; `fit_curve` extends a learning
curve as a power law, and `should_stop` says when the next doubling of the budget is predicted to
bring less than `delta`. A plateau before a jump is where any extrapolation fails: never stop an arm
by it whose deeper levels have not begun.

The change point is the likelihood ratio of two binomial rates (Page 1954, Biometrika 41:100, asked
of counts); power laws of learning curves, refitted until they agree, are after Vilares et al.
(arXiv 2402.02515), with rules of our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import curve_fit
from scipy.special import xlog1py, xlogy

from ...errors import UserError
from ...stats import wilson
from .counts import HALF_DROP, Floats, Ints, counts

FEWEST = 6
"""Evaluations before a fit is trusted."""
IN_A_ROW = 3
"""Fits that must agree, and evaluations that must say stop."""
DELTA = 0.005
"""Accuracy that one more doubling of the budget must bring to be worth it."""
SHUFFLES = 999


@dataclass(frozen=True)
class Onset:
    """The first evaluation at the new level (from 0), a 95% interval of it, and how sure."""

    index: int
    low: int
    high: int
    ratio: float
    """Twice the log-likelihood that the change adds."""
    p: float
    """Of a flat series, by permuting the evaluations."""


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """`limit - scale t^-exponent`, with the covariance of the three, shape (3, 3)."""

    limit: float
    scale: float
    exponent: float
    covariance: Floats

    def at(self, t: float) -> tuple[float, float]:
        """Predicted accuracy at budget t, and its standard error."""
        return self._difference(t, None)

    def gain(self, now: float, then: float) -> tuple[float, float]:
        """Predicted gain from one budget to another, and its standard error."""
        return self._difference(then, now)

    def _difference(self, t: float, before: float | None) -> tuple[float, float]:
        value, slope = self._value(t)
        if before is not None:
            then, its = self._value(before)
            value, slope = value - then, slope - its
        return value, float(np.sqrt(max(0.0, slope @ self.covariance @ slope)))

    def _value(self, t: float) -> tuple[float, Floats]:
        power = t**-self.exponent
        slope = np.array([1.0, -power, self.scale * power * np.log(t)])
        return self.limit - self.scale * power, slope


def onset(n: ArrayLike, k: ArrayLike, seed: int = 0) -> Onset:
    """Where the rate of `k` passes of `n` at each evaluation rises once: the most likely split.

    The interval holds the splits whose log-likelihood is at most 1.92 below. Needs four
    evaluations; a `UserError` for impossible counts.
    """
    table = counts(n, k)
    if len(table) < 4:
        raise UserError(f"an onset needs at least 4 evaluations, not {len(table)}")
    ratios = _ratios(table.n, table.c)
    best = int(ratios.argmax())
    near = np.flatnonzero(ratios >= ratios[best] - 2 * HALF_DROP)
    places = np.tile(np.arange(len(table)), (SHUFFLES, 1))
    orders = np.random.default_rng(seed).permuted(places, axis=1)
    highest = _ratios(table.n[orders], table.c[orders]).max(axis=1)
    p = (1 + int((highest >= ratios[best] - 1e-9).sum())) / (1 + SHUFFLES)
    return Onset(best + 1, int(near[0]) + 1, int(near[-1]) + 1, float(ratios[best]), p)


def mastered(n: ArrayLike, k: ArrayLike, floor: float = 0.0, above: float = 0.1) -> int | None:
    """The first evaluation whose Wilson interval lies over the chance floor by `above`, or None."""
    table = counts(n, k)
    for i, (asked, right) in enumerate(zip(table.n.tolist(), table.c.tolist(), strict=True)):
        if wilson(right, asked).low > floor + above:
            return i
    return None


def fit_curve(budget: Sequence[float], n: ArrayLike, k: ArrayLike) -> PowerLaw:
    """The power law through `k` of `n` right at each budget, weighted by binomial errors.

    Limit within (0, 1], scale and exponent above 0. A limit at 1 makes the errors too small.
    """
    table, t = counts(n, k), np.asarray(budget, dtype=np.float64)
    if t.shape != (len(table),) or len(t) < 4 or not (np.diff(t) > 0).all() or t[0] <= 0:
        raise UserError("a learning curve needs 4 rising budgets above 0, with counts at each")
    smooth = (table.c + 0.5) / (table.n + 1)
    errors = np.sqrt(smooth * (1 - smooth) / table.n)
    start = t[0]

    def law(x: Floats, limit: float, scale: float, exponent: float) -> Floats:
        return limit - scale * (x / start) ** -exponent

    y = table.rates
    guess = [min(1.0, max(0.01, y[-1] + 0.02)), max(0.02, y[-1] - y[0] + 0.02), 0.5]
    try:
        found, spread = curve_fit(
            law, t, y, guess, errors, absolute_sigma=True,
            bounds=([0, 0, 0.01], [1, 10, 5]), max_nfev=5000,
        )  # fmt: skip
    except RuntimeError as error:
        raise UserError("no power law fits this learning curve") from error
    limit, scale, exponent = (float(each) for each in found)
    # The scale was fitted at the first budget; at 1 it is that times start^exponent.
    power = start**exponent
    change = np.array([[1, 0, 0], [0, power, scale * power * np.log(start)], [0, 0, 1]])
    return PowerLaw(limit, scale * power, exponent, change @ np.asarray(spread) @ change.T)


def should_stop(budget: Sequence[float], n: ArrayLike, k: ArrayLike, delta: float = DELTA) -> bool:
    """Whether the last evaluations agree that a doubling of the budget brings under `delta`.

    After each of the last three a power law is fitted to the later half of what was there (four
    evaluations or more). All must put the upper 95% limit of the next doubling's gain below
    `delta`, agree within a standard error on the accuracy there, and have a limit above the last
    accuracy less its error.
    """
    table, t = counts(n, k), np.asarray(budget, dtype=np.float64)
    if len(table) < FEWEST + IN_A_ROW - 1:
        return False
    target = 2 * float(t[-1])
    ahead: list[tuple[float, float]] = []
    for end in range(len(t) - IN_A_ROW + 1, len(t) + 1):
        begin = end - max(4, end // 2)
        part = slice(begin, end)
        fit = fit_curve(t[part].tolist(), table.n[part], table.c[part])
        gain, error = fit.gain(float(t[end - 1]), 2 * float(t[end - 1]))
        rate = float(table.rates[end - 1])
        about = np.sqrt(max(rate * (1 - rate), 1 / table.n[end - 1]) / table.n[end - 1])
        if gain + 1.96 * error >= delta or fit.limit < rate - about:
            return False
        ahead.append(fit.at(target))
    values, errors = zip(*ahead, strict=True)
    return max(values) - min(values) <= max(errors)


def _ratios(asked: Ints, right: Ints) -> Floats:
    """Likelihood ratio of a rise after each evaluation but the last; 0 where it is a fall.

    Along the last axis, which shrinks by one.
    """
    n, k = np.cumsum(asked, axis=-1), np.cumsum(right, axis=-1)
    before, all_n, all_k = (n[..., :-1], k[..., :-1]), n[..., -1:], k[..., -1:]
    after = all_n - before[0], all_k - before[1]
    rises = before[1] / before[0] < after[1] / after[0]
    return np.where(rises, 2 * (_log(*before) + _log(*after) - _log(all_n, all_k)), 0.0)


def _log(n: Ints, k: Ints) -> Floats:
    """Log-likelihood of k of n at its own rate."""
    return xlogy(k, k / n) + xlog1py(n - k, -k / n)
