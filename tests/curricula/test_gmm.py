"""Mixtures of Gaussians: what they find, how sound they are, and which of them is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from rlskills.curricula.signals.gmm import akaike, best_fit, fit, fits, log_densities


def test_a_mixture_finds_two_clusters():
    noise = np.random.default_rng(0)
    rows = np.concatenate([
        noise.normal([0.2, 0.2], 0.03, (150, 2)), noise.normal([0.8, 0.6], 0.05, (50, 2)),
    ])  # fmt: skip
    found, _ = fit(rows, 2, noise, iterations=50)
    order = np.argsort(found.means[:, 0])
    np.testing.assert_allclose(found.means[order], [[0.2, 0.2], [0.8, 0.6]], atol=0.02)
    np.testing.assert_allclose(found.shares[order], [0.75, 0.25], atol=0.02)
    np.testing.assert_allclose(
        np.sqrt(np.diagonal(found.covariances[order], axis1=1, axis2=2)),
        [[0.03, 0.03], [0.05, 0.05]], atol=0.015,
    )  # fmt: skip
    tried = fits(rows, (2, 3, 4), np.random.default_rng(1))
    criteria = [2 * (6 * n - 1) - 2 * log for n, (_, log) in zip((2, 3, 4), tried, strict=True)]
    assert [akaike(pair) for pair in tried] == pytest.approx(criteria)
    chosen = best_fit(rows, 4, np.random.default_rng(1))
    assert len(chosen.shares) == 2 + int(np.argmin(criteria))


@pytest.mark.parametrize("seed", range(4))
def test_the_best_of_many_is_about_as_good_as_when_all_go_on(seed: int):
    noise = np.random.default_rng(seed)
    rows = noise.random((250, 2))
    rows = np.column_stack([rows, np.where(rows[:, 0] < 0.3, 0.5 * noise.random(250), 0.0)])
    every = fits(rows, range(2, 11), np.random.default_rng(1))
    mixture = best_fit(rows, 10, np.random.default_rng(1))
    logs = log_densities(rows, mixture.means, mixture.covariances)
    likelihood = float(np.log((mixture.shares[:, None] * np.exp(logs)).sum(0)).sum())
    worst, best_of_all = max(map(akaike, every)), min(map(akaike, every))
    assert akaike((mixture, likelihood)) <= best_of_all + 0.1 * (worst - best_of_all)


def test_rows_in_one_place_are_no_trouble():
    noise = np.random.default_rng(0)
    found = best_fit(np.full((20, 3), 0.5), 4, noise)
    assert np.isfinite(found.means).all()
    assert np.isfinite(found.covariances).all()


@given(
    st.integers(1, 4), st.integers(10, 60), st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.floats(-50, 50), st.integers(0, 2**16),
)  # fmt: skip
@settings(deadline=None, max_examples=30)
def test_mixtures_are_sound_wherever_the_rows_lie(size, count, numbers, shift, seed):
    noise = np.random.default_rng(seed)
    rows = shift + noise.random((count, size)) * noise.choice([0.0, 0.01, 1.0], size)
    for number, (mixture, likelihood) in zip(numbers, fits(rows, numbers, noise), strict=True):
        assert len(mixture.shares) == number
        assert mixture.shares.sum() == pytest.approx(1)
        assert np.linalg.eigvalsh(mixture.covariances).min() > 0
        spare = 4 * np.ptp(rows, axis=0) + 0.1
        assert (np.abs(mixture.means - shift) <= spare + 1).all()
        assert np.isfinite(likelihood)


def test_more_iterations_never_fit_worse_and_the_likelihood_is_that_of_the_mixture():
    noise = np.random.default_rng(3)
    rows = np.concatenate([noise.normal(i, 0.2 + 0.1 * i, (60, 2)) for i in range(3)])
    found = [fit(rows, 3, np.random.default_rng(1), iterations=n)[1] for n in (1, 2, 4, 8, 40)]
    assert found == sorted(found)
    mixture, likelihood = fit(rows, 3, np.random.default_rng(1), iterations=200)
    logs = log_densities(rows, mixture.means, mixture.covariances)
    each = np.log((mixture.shares[:, None] * np.exp(logs)).sum(0))
    assert each.sum() == pytest.approx(likelihood, rel=1e-3)


def test_log_densities_are_those_of_scipy():
    noise = np.random.default_rng(4)
    rows, means = noise.normal(3, 1, (20, 3)), noise.normal(3, 1, (4, 3))
    roots = noise.normal(0, 1, (4, 3, 3))
    covariances = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(3)
    expected = [
        multivariate_normal(mean, covariance).logpdf(rows)
        for mean, covariance in zip(means, covariances, strict=True)
    ]
    np.testing.assert_allclose(log_densities(rows, means, covariances), expected, rtol=1e-9)
