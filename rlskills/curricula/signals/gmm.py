"""Mixtures of Gaussians by expectation maximisation, the number of them chosen by AIC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..state import Array


class Mixture(NamedTuple):
    """Shares (K,), means (K, D) and full covariances (K, D, D)."""

    shares: Array
    means: Array
    covariances: Array


def log_densities(rows: Array, means: Array, covariances: Array) -> Array:
    """Log density of each row (n, D) under each Gaussian: (K, n)."""
    return _log_densities(rows, _squares(rows), means, covariances)


def _squares(rows: Array) -> Array:
    """All products of two columns, (n, D * D): with them a quadratic form is one matrix product."""
    return (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)


def _log_densities(rows: Array, squares: Array, means: Array, covariances: Array) -> Array:
    number, size = means.shape
    inverse = np.linalg.inv(covariances)
    pulled = (inverse @ means[:, :, None])[:, :, 0]
    away = inverse.reshape(number, -1) @ squares.T - 2 * pulled @ rows.T
    away += (pulled * means).sum(1)[:, None]
    scale = np.linalg.slogdet(covariances)[1] + size * np.log(2 * np.pi)
    return -0.5 * (np.maximum(away, 0.0) + scale[:, None])


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
    """A mixture for each of `numbers`, all moved together: a few large operations, not many."""
    count, size = rows.shape
    squares = _squares(rows)
    firsts = np.cumsum([0, *numbers[:-1]])
    owner = np.repeat(np.arange(len(numbers)), numbers)
    means = np.concatenate([_spread(rows, number, noise) for number in numbers])
    extra = ridge * np.eye(size)
    start = np.cov(rows.T, ddof=0).reshape(size, size) + extra
    covariances = np.repeat(start[None], len(owner), 0)
    shares = 1 / np.array(numbers, dtype=float)[owner]
    likelihood = np.full(len(numbers), -np.inf)
    live = np.ones(len(numbers), dtype=bool)
    for _ in range(iterations):
        joint = _log_densities(rows, squares, means, covariances) + np.log(shares)[:, None]
        top = np.maximum.reduceat(joint, firsts)
        part = np.exp(joint - top[owner])
        total = np.add.reduceat(part, firsts)
        now = (top + np.log(total)).sum(1)
        gained = now - likelihood >= 1e-3 * count
        likelihood = np.where(live, now, likelihood)
        live &= gained
        if not live.any():
            break
        part /= total[owner]
        mass = part.sum(1) + 1e-9
        middle = part @ rows / mass[:, None]
        spread = (part @ squares / mass[:, None]).reshape(-1, size, size)
        spread += extra - middle[:, :, None] * middle[:, None, :]
        moves = live[owner]
        shares = np.where(moves, mass / np.add.reduceat(mass, firsts)[owner], shares)
        means = np.where(moves[:, None], middle, means)
        covariances = np.where(moves[:, None, None], spread, covariances)
    ends = np.cumsum(numbers).tolist()
    return [
        (Mixture(shares[a:b], means[a:b], covariances[a:b]), float(value))
        for a, b, value in zip(firsts.tolist(), ends, likelihood, strict=True)
    ]


def best_fit(rows: Array, most: int, noise: np.random.Generator) -> Mixture:
    """The mixture of 2 to `most` Gaussians with the lowest Akaike criterion, 2 m - 2 ln L."""
    size = rows.shape[1]
    fitted = fits(rows, range(2, most + 1), noise)

    def criterion(pair: tuple[Mixture, float]) -> float:
        mixture, likelihood = pair
        free = len(mixture.shares) * (1 + size + size * (size + 1) // 2) - 1
        return 2 * free - 2 * likelihood

    return min(fitted, key=criterion)[0]


def _spread(rows: Array, number: int, noise: np.random.Generator) -> Array:
    chosen = [int(noise.integers(len(rows)))]
    nearest = ((rows - rows[chosen[0]]) ** 2).sum(1)
    while len(chosen) < number:
        weights = nearest + 1e-12
        point = noise.random() * weights.sum()
        chosen.append(min(int(np.searchsorted(np.cumsum(weights), point)), len(rows) - 1))
        nearest = np.minimum(nearest, ((rows - rows[chosen[-1]]) ** 2).sum(1))
    return rows[chosen].copy()
