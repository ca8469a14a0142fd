"""Mixtures of Gaussians by expectation maximisation, the number of them chosen by AIC."""

from __future__ import annotations

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
    root = np.linalg.cholesky(covariances)
    away = np.linalg.solve(root, (rows[None] - means[:, None]).swapaxes(1, 2))
    scale = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
    size = rows.shape[1]
    return -0.5 * (away**2).sum(1) - scale[:, None] - 0.5 * size * np.log(2 * np.pi)


def fit(
    rows: Array,
    number: int,
    noise: np.random.Generator,
    iterations: int = 20,
    ridge: float = 1e-5,
) -> tuple[Mixture, float]:
    """`number` Gaussians for rows (n, D), and their log likelihood.

    Starts from rows spread as in k-means++; `ridge` is added to all variances, so that rows on a
    line or in one place are no trouble.
    """
    count, size = rows.shape
    eye = np.eye(size)
    means = _spread(rows, number, noise)
    covariances = np.repeat(
        (np.cov(rows.T, ddof=0).reshape(size, size) + ridge * eye)[None], number, 0
    )
    shares = np.full(number, 1 / number)
    likelihood = -np.inf
    for _ in range(iterations):
        joint = log_densities(rows, means, covariances) + np.log(shares)[:, None]
        top = joint.max(0)
        total = top + np.log(np.exp(joint - top).sum(0))
        before, likelihood = likelihood, float(total.sum())
        if likelihood - before < 1e-3 * count:
            break
        part = np.exp(joint - total)
        mass = part.sum(1) + 1e-9
        shares = mass / mass.sum()
        means = part @ rows / mass[:, None]
        away = rows[None] - means[:, None]
        covariances = (part[:, :, None] * away).swapaxes(1, 2) @ away / mass[:, None, None]
        covariances = covariances + ridge * eye
    return Mixture(shares, means, covariances), likelihood


def best_fit(rows: Array, most: int, noise: np.random.Generator) -> Mixture:
    """The mixture of 2 to `most` Gaussians with the lowest Akaike criterion, 2 m - 2 ln L."""
    size = rows.shape[1]
    found: tuple[float, Mixture] | None = None
    for number in range(2, most + 1):
        mixture, likelihood = fit(rows, number, noise)
        free = number * (1 + size + size * (size + 1) // 2) - 1
        criterion = 2 * free - 2 * likelihood
        if found is None or criterion < found[0]:
            found = (criterion, mixture)
    assert found is not None
    return found[1]


def _spread(rows: Array, number: int, noise: np.random.Generator) -> Array:
    chosen = [int(noise.integers(len(rows)))]
    nearest = ((rows - rows[chosen[0]]) ** 2).sum(1)
    while len(chosen) < number:
        weights = nearest + 1e-12
        point = noise.random() * weights.sum()
        chosen.append(min(int(np.searchsorted(np.cumsum(weights), point)), len(rows) - 1))
        nearest = np.minimum(nearest, ((rows - rows[chosen[-1]]) ** 2).sum(1))
    return rows[chosen].copy()
