"""Estimates with intervals: what an accuracy on a few hundred problems and a few seeds can carry.

Two things vary: the problems that happened to be asked and the seed of the training run. With
three seeds or more an interval here speaks of new seeds on the same problems (Student's t);
with fewer it speaks of new problems for the same trained models (Wilson, or the bootstrap).
`Interval.method` says which, and tables print it.

    >>> str(wilson(63, 100))
    '.63 [.53, .72]'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

Array: TypeAlias = NDArray[np.float64]

T_MINIMUM = 3
"""Seeds from which spread over seeds is used: with two, Student's t is 13 standard errors wide."""

RESAMPLES = 4000
LEVEL = 0.05
"""Two-sided, of tests; family-wise where there are several."""


@dataclass(frozen=True)
class Interval:
    """A mean (or median) with a confidence interval, all three in the unit of the values.

    As text `.63 [.53, .72]`, the short form of a share; `f"{interval:.2f}"` for what is none.
    """

    mean: float
    low: float
    high: float
    method: str

    def __format__(self, spec: str) -> str:
        mean, low, high = (
            format(value, spec) if spec else short(value)
            for value in (self.mean, self.low, self.high)
        )
        return f"{mean} [{low}, {high}]"

    def __str__(self) -> str:
        return format(self, "")

    def map(self, rising: Callable[[float], Any]) -> Interval:
        """The interval of a rising function of the value, such as `numpy.exp`."""
        mean, low, high = (float(rising(x)) for x in (self.mean, self.low, self.high))
        return Interval(mean, low, high, self.method)

    def excludes(self, value: float) -> bool:
        """Whether `value` lies strictly outside the interval."""
        return value < self.low or value > self.high


def short(value: float) -> str:
    """Two digits without the leading zero, three characters wide but for a sign: `.63`, `1.0`."""
    text = f"{value:.2f}"
    if float(text) == 0:
        return ".00"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else f"{value:.1f}"


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that at least one of k samples is correct, from c correct among n drawn samples.

    The unbiased `1 - C(n-c, k) / C(n, k)` of Chen et al., "Evaluating Large Language Models
    Trained on Code" (2021, section 2.1). `pass_curve` has all k at once.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n, not n={n}, c={c}, k={k}")
    return float(pass_curve(n, np.array([c]), k)[0, k - 1])


def pass_curve(n: int, c: NDArray[np.int64], most: int) -> Array:
    """`pass_at_k` for every k from 1 to `most` and every count in `c`: shape (len(c), most).

    That k samples are all wrong is a product of k ratios, each the chance that one more is wrong;
    it is summed in logarithms, so that neither large n nor a chance near 0 loses digits.
    """
    if not 1 <= most <= n or c.size == 0 or c.min() < 0 or c.max() > n:
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n, not n={n}, k={most}, c={c}")
    left = np.arange(n, n - most, -1, dtype=np.float64)
    # When fewer wrong samples are left than drawn, a ratio is 0 and so is the product from there.
    ratios = np.minimum(c[:, None] / left, 1.0)
    with np.errstate(divide="ignore"):
        return -np.expm1(np.cumsum(np.log1p(-ratios), axis=1)) + 0.0


def wilson(successes: float, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (1927, JASA 22) of a proportion: `successes` of `n` problems.

    `successes` may be fractional, as when outcomes are averages over seeds in [0, 1]; the
    interval is then too wide rather than too narrow, for such outcomes vary less than 0 and 1 do.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"wilson needs n >= 1 and 0 <= successes <= n, not {successes} of {n}")
    z = float(ndtri(_upper(confidence)))
    mean = successes / n
    centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At 0 and 1 a bound equals the proportion; rounding must not push it past.
    low, high = float(min(mean, max(0.0, centre - half))), float(max(mean, min(1.0, centre + half)))
    return Interval(mean, low, high, "Wilson over problems")


def mean_interval(
    values_per_seed: Sequence[float] | Array,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Interval:
    """Student's t interval of the mean of one value per seed, cut at `bounds`.

    Needs two values or more, all within `bounds`. Values that all agree give an interval of no
    width; `accuracy_interval` knows what to do then.
    """
    values = np.sort(_flat(values_per_seed))
    if len(values) < 2:
        raise ValueError("an interval over seeds needs at least 2 values")
    if values[0] < bounds[0] or values[-1] > bounds[1]:
        raise ValueError(f"a value lies outside {bounds}")
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    half = float(stdtrit(len(values) - 1, _upper(confidence))) * error
    low, high = max(bounds[0], mean - half), min(bounds[1], mean + half)
    return Interval(mean, float(low), float(high), f"Student's t over {len(values)} seeds")


def bootstrap(
    values: ArrayLike,
    over: str,
    statistic: Callable[..., Any] = np.mean,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap (Efron 1979) of a `statistic` of `values`, shape (n,).

    For paired samples give the differences or ratios of the pairs. `over` says what was drawn
    anew (problems, seeds), for `Interval.method`; `statistic` takes an axis, as `numpy.median`.
    """
    from scipy import stats

    sample = _flat(values)
    tail = 1 - _upper(confidence)
    # Rounding must not push the estimate past the values, here or below.
    middle = float(np.clip(statistic(sample), sample.min(), sample.max()))
    low = high = middle
    if _vary(sample):
        drawn = stats.bootstrap(
            (sample,),
            statistic,
            n_resamples=RESAMPLES,
            vectorized=True,
            confidence_level=1 - 2 * tail,
            method="percentile",
            rng=np.random.default_rng(seed),
        )
        low, high = np.clip(drawn.confidence_interval, sample.min(), sample.max())
    return Interval(middle, float(low), float(high), f"bootstrap over {over}")


def bootstrap_mean(values: ArrayLike, seed: int = 0, confidence: float = 0.95) -> Interval:
    """`bootstrap` of the mean of `values`, shape (problems,), in whatever order."""
    return bootstrap(np.sort(_flat(values)), "problems", np.mean, seed, confidence)


def seed_band(values: Array) -> tuple[Array, Array]:
    """Bounds over seeds at each point, for the band around a mean curve.

    `values` has shape (seeds, points). The t interval from `T_MINIMUM` seeds on, else the range.
    """
    if len(values) < T_MINIMUM:
        return values.min(axis=0), values.max(axis=0)
    intervals = [mean_interval(column) for column in values.T]
    low, high = zip(*((each.low, each.high) for each in intervals), strict=True)
    return np.array(low), np.array(high)


def accuracy_interval(outcomes: ArrayLike, seed: int = 0, confidence: float = 0.95) -> Interval:
    """Mean of `outcomes`, shape (seeds, problems) or (problems,), values in [0, 1].

    Student's t over seeds where there are three or more that differ. Otherwise over problems,
    each averaged over the seeds: Wilson where every problem is 0 or 1 or all are the same (there
    the bootstrap would claim certainty), else the bootstrap with generator seed `seed`.
    """
    rows = _rows(outcomes)
    if rows.min() < 0 or rows.max() > 1:
        raise ValueError("outcomes must lie in [0, 1]")
    per_seed = rows.mean(axis=1)
    if len(per_seed) >= T_MINIMUM and _vary(per_seed):
        return mean_interval(per_seed, confidence)
    problems = rows.mean(axis=0)
    if np.isin(problems, (0.0, 1.0)).all() or not _vary(problems):
        return wilson(float(problems.sum()), len(problems), confidence)
    return bootstrap_mean(problems, seed, confidence)


def paired_difference(
    treated: ArrayLike, control: ArrayLike, seed: int = 0, confidence: float = 0.95
) -> Interval:
    """Mean of `treated - control` on the same problems, row i of both being the same seed.

    Shapes (seeds, problems) or (problems,), values in [0, 1]; a single row of `control` serves
    every row of `treated`. Student's t over the seeds' mean differences where there are three or
    more that differ, else over problems the bootstrap of differences averaged over the seeds, or
    `newcombe` where every problem differs by the same (as when both arms solve none).
    """
    rows, against = _rows(treated), _rows(control)
    if rows.shape[1] != against.shape[1] or len(against) not in (1, len(rows)):
        raise ValueError(f"cannot pair outcomes of shapes {rows.shape} and {against.shape}")
    difference = rows - against
    per_seed, problems = difference.mean(axis=1), difference.mean(axis=0)
    if len(per_seed) >= T_MINIMUM and _vary(per_seed):
        interval = mean_interval(per_seed, confidence, bounds=(-1.0, 1.0))
    elif _vary(problems):
        interval = bootstrap_mean(problems, seed, confidence)
    else:
        n = len(problems)
        return newcombe(*(wilson(float(x.mean()) * n, n, confidence) for x in (rows, against)))
    return Interval(interval.mean, interval.low, interval.high, f"paired {interval.method}")


def newcombe(treated: Interval, control: Interval) -> Interval:
    """Interval of the difference of two proportions from the `wilson` intervals of each.

    Newcombe's square-and-add (1998, Statistics in Medicine 17:873, method 10). It takes the arms
    for independent, so for paired outcomes that agree it is wide, but never of no width.
    """
    mean = treated.mean - control.mean
    low = mean - float(np.hypot(treated.mean - treated.low, control.high - control.mean))
    high = mean + float(np.hypot(treated.high - treated.mean, control.mean - control.low))
    return Interval(mean, max(-1.0, low), min(1.0, high), "Newcombe over problems")


def paired_p(treated: Array, control: Array) -> float:
    """Two-sided p over seeds of outcomes (seeds, problems): of the paired t test; 1 below three
    seeds. Differences that all agree, which that test takes for certain, have the p of the test of
    signs."""
    from scipy import stats

    difference = (treated - control).mean(axis=1)
    if len(difference) < T_MINIMUM or not difference.any():
        return 1.0
    if np.ptp(difference) < 1e-12:
        return float(stats.binomtest(0, len(difference)).pvalue)
    return float(stats.ttest_rel(treated.mean(axis=1), control.mean(axis=1)).pvalue)


def holm(p: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Which hypotheses Holm's step-down procedure rejects at a family-wise `level`."""
    return [adjusted <= level for adjusted in holm_adjusted(p)]


def holm_adjusted(p: Sequence[float]) -> list[float]:
    """The p of each hypothesis after Holm's correction (1979, Scandinavian Journal of Statistics
    6:65) for all of them: it is rejected at every family-wise level from there up."""
    if not all(0 <= value <= 1 for value in p):
        raise ValueError(f"p must lie between 0 and 1, not {list(p)}")
    adjusted, most = [0.0] * len(p), 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        most = max(most, min(1.0, p[i] * (len(p) - rank)))
        adjusted[i] = most
    return adjusted


def _vary(values: Array) -> bool:
    """Whether the values differ by more than rounding."""
    return bool(np.ptp(values) > 1e-12)


def _upper(confidence: float) -> float:
    """The upper quantile of a two-sided interval: .975 for .95."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return (1 + confidence) / 2


def _flat(values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError("values must be one row of finite numbers, at least one")
    return array


def _rows(outcomes: ArrayLike) -> Array:
    array = np.atleast_2d(np.asarray(outcomes, dtype=np.float64))
    if array.ndim != 2 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError("outcomes must be finite numbers of shape (seeds, problems)")
    return array
