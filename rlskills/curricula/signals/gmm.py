"""Mixtures of Gaussians by expectation maximisation, the number of them chosen by AIC.

The log density of a full Gaussian is linear in the products of a row's columns, so that a step over
all Gaussians of all mixtures is two matrix products with one table of these products.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..state import Array, IntArray

TRIED, KEPT = 6, 3
"""Iterations for all numbers of Gaussians, and how many of them then go on."""


class Mixture(NamedTuple):
    """Shares (K,), means (K, D) and full covariances (K, D, D)."""

    shares: Array
    means: Array
    covariances: Array

    def take(self, which: IntArray | slice) -> Mixture:
        """Some of its Gaussians."""
        return Mixture(self.shares[which], self.means[which], self.covariances[which])


def log_densities(rows: Array, means: Array, covariances: Array) -> Array:
    """Log density of each row (n, D) under each Gaussian: (K, n)."""
    middle = means.mean(0)  # near the origin, fewer digits cancel
    return _coefficients(means - middle, covariances) @ _products(rows - middle)


@lru_cache
def _pairs(size: int) -> tuple[IntArray, IntArray]:
    """All pairs of columns, each once, those of a column with itself among them."""
    return np.triu_indices(size)


def _products(rows: Array) -> Array:
    """1, the columns and all products of two columns of (n, D): (1 + D + D (D + 1) / 2, n)."""
    first, second = _pairs(rows.shape[1])
    columns = rows.T
    return np.concatenate([np.ones((1, len(rows))), columns, columns[first] * columns[second]])


def _coefficients(means: Array, covariances: Array) -> Array:
    """What the products of a row are multiplied by to give its log density under each Gaussian."""
    size = means.shape[1]
    first, second = _pairs(size)
    inverse = np.linalg.inv(covariances)
    pulled = (inverse @ means[:, :, None])[:, :, 0]
    constant = np.linalg.slogdet(covariances)[1] + size * np.log(2 * np.pi)
    constant += (pulled * means).sum(1)
    squares = inverse[:, first, second] * np.where(first == second, -0.5, -1.0)
    parts = [-0.5 * constant[:, None], pulled, squares]
    return np.concatenate(parts, axis=1, dtype=np.float64)


def _moments(sums: Array, ridge: float) -> Mixture:
    """Gaussians from sums of a row's products, (K, 1 + D + D (D + 1) / 2); shares as sums."""
    size = round((8 * sums.shape[1] + 1) ** 0.5 - 3) // 2
    mass = sums[:, 0] + 1e-9
    means = sums[:, 1 : size + 1] / mass[:, None]
    first, second = _pairs(size)
    products = sums[:, size + 1 :] / mass[:, None] - means[:, first] * means[:, second]
    covariances = np.empty((len(sums), size, size))
    covariances[:, first, second] = covariances[:, second, first] = products
    covariances[:, range(size), range(size)] += ridge
    return Mixture(mass, means, covariances)


def fit(
    rows: Array,
    number: int,
    noise: np.random.Generator,
    iterations: int = 20,
    ridge: float = 1e-5,
) -> tuple[Mixture, float]:
    """`number` Gaussians for rows (n, D), and their log likelihood.

    Starts from rows spread as in k-means++; `ridge` is added to all variances, so that rows on a
    line or at a single point are no trouble.
    """
    return fits(rows, [number], noise, iterations, ridge)[0]


def fits(
    rows: Array,
    numbers: Sequence[int],
    noise: np.random.Generator,
    iterations: int = 20,
    ridge: float = 1e-5,
) -> list[tuple[Mixture, float]]:
    """A mixture for each of `numbers`, all moved together until each has settled.

    They start from one spread of rows, each from as many of the first as it has Gaussians, and from
    the rows that are nearest to each. A mixture has settled when an iteration gains less than .001
    of log likelihood per row.
    """
    middle = rows.mean(0)  # near the origin, fewer digits cancel
    products = _products(rows - middle)
    begun = _begin(rows, products, numbers, noise, ridge)
    return [_moved(pair, middle) for pair in _climb(products, begun, iterations, ridge)]


def _begin(
    rows: Array, products: Array, numbers: Sequence[int], noise: np.random.Generator, ridge: float
) -> list[Mixture]:
    away = _spread(rows, max(numbers), noise)
    nearest = [np.arange(number)[:, None] == away[:number].argmin(0) for number in numbers]
    whole = _moments(np.concatenate(nearest).astype(float) @ products.T, ridge)
    whole = whole._replace(shares=np.maximum(whole.shares, 1.0) / len(rows))
    ends = np.cumsum(numbers).tolist()
    return [whole.take(slice(a, b)) for a, b in zip([0, *ends], ends, strict=False)]


def _climb(
    products: Array, mixtures: Sequence[Mixture], iterations: int, ridge: float
) -> list[tuple[Mixture, float]]:
    """Mixtures after up to so many iterations, each with the log likelihood before its last."""
    sizes = np.array([len(mixture.shares) for mixture in mixtures])
    mixture = Mixture(*(np.concatenate(columns) for columns in zip(*mixtures, strict=True)))
    left = np.arange(len(mixtures))  # those that have not settled
    likelihood = np.full(len(mixtures), -np.inf)
    settled: dict[int, Mixture] = {}
    for _ in range(iterations):
        firsts, owner = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(left)), sizes)
        part = _coefficients(mixture.means, mixture.covariances) @ products
        part += np.log(mixture.shares)[:, None]
        top = _by_mixture(np.maximum, part, firsts)
        part -= top[owner]
        # Single precision is four times as fast here, and errs by a ten-millionth of a share.
        part = np.exp(part.astype(np.float32)).astype(np.float64)
        total = _by_mixture(np.add, part, firsts)
        now = (top + np.log(total)).sum(1)
        moving = now - likelihood[left] >= 1e-3 * products.shape[1]
        likelihood[left] = now
        if not moving.all():
            for i in np.flatnonzero(~moving).tolist():
                settled[int(left[i])] = mixture.take(owner == i)
            moves = moving[owner]
            part, total, left, sizes = part[moves], total[moving], left[moving], sizes[moving]
            if not len(left):
                break
            firsts, owner = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(left)), sizes)
        part /= total[owner]
        mixture = _moments(part @ products.T, ridge)
        mass = mixture.shares
        mixture = mixture._replace(shares=mass / np.add.reduceat(mass, firsts)[owner])
    owner = np.repeat(left, sizes)
    settled |= {i: mixture.take(owner == i) for i in left.tolist()}
    return [(settled[i], float(likelihood[i])) for i in range(len(mixtures))]


def _moved(pair: tuple[Mixture, float], by: Array) -> tuple[Mixture, float]:
    mixture, likelihood = pair
    return mixture._replace(means=mixture.means + by), likelihood


def _by_mixture(reduce: np.ufunc, part: Array, firsts: IntArray) -> Array:
    """Reduce the Gaussians of each mixture, (K, n) to (mixtures, n); `reduceat` is slower here."""
    ends = [*firsts[1:].tolist(), len(part)]
    return np.array([
        reduce.reduce(part[a:b], axis=0) for a, b in zip(firsts.tolist(), ends, strict=True)
    ])  # fmt: skip


def best_fit(
    rows: Array, most: int, noise: np.random.Generator, iterations: int = 20, ridge: float = 1e-5
) -> Mixture:
    """A mixture of 2 to `most` Gaussians with a low Akaike criterion, 2 m - 2 ln L.

    After `TRIED` iterations only the `KEPT` mixtures go on that have the lowest so far.
    """
    middle = rows.mean(0)
    products = _products(rows - middle)
    begun = _begin(rows, products, range(2, most + 1), noise, ridge)
    found = sorted(_climb(products, begun, TRIED, ridge), key=akaike)[:KEPT]
    going_on = [mixture for mixture, _ in found]
    found = _climb(products, going_on, iterations - TRIED, ridge)
    return _moved(min(found, key=akaike), middle)[0]


def akaike(pair: tuple[Mixture, float]) -> float:
    """Akaike's criterion of a mixture and its log likelihood; low is good."""
    mixture, likelihood = pair
    number, size = mixture.means.shape
    free = number * (1 + size + size * (size + 1) // 2) - 1
    return 2 * free - 2 * likelihood


def _spread(rows: Array, number: int, noise: np.random.Generator) -> Array:
    """Squared distances (number, n) of all rows from rows that are far from one another.

    These are drawn as k-means++ begins (Arthur and Vassilvitskii 2007).
    """
    at = int(noise.integers(len(rows)))
    away = [((rows - rows[at]) ** 2).sum(1)]
    nearest = away[0]
    while len(away) < number:
        summed = np.cumsum(nearest + 1e-12)
        at = min(int(np.searchsorted(summed, noise.random() * summed[-1])), len(rows) - 1)
        away.append(((rows - rows[at]) ** 2).sum(1))
        nearest = np.minimum(nearest, away[-1])
    return np.array(away)
