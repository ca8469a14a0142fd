"""Forecasts of pass@k: numbers worked out by hand, and rates that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rlskills.errors import UserError
from rlskills.evaluation.measures.counts import Counts, counts
from rlskills.evaluation.measures.forecast import (
    Fit,
    backtest,
    check,
    fit_counts,
    forecast,
    zero_interval,
)

SPREAD = counts(16, [0] * 10 + [1, 1, 2, 3, 5, 8, 12, 14, 16, 16])
GAPPED = counts(16, [0] * 10 + [5, 7, 8, 9, 6, 10, 8, 7, 9, 11])


def drawn(alpha: float, beta: float, zero: float, n: int, problems: int, seed: int) -> Counts:
    generator = np.random.default_rng(seed)
    p = generator.beta(alpha, beta, problems) * (generator.random(problems) >= zero)
    return counts(n, generator.binomial(n, p))


def test_pass_at_k_of_a_distribution():
    assert Fit(1, 1, 0, 0).pass_at((1, 9, 1023)) == pytest.approx([0.5, 0.9, 1023 / 1024])
    found = Fit(0.3, 3, 0, 0).pass_at((1, 16, 1024))
    assert found == pytest.approx([0.090909, 0.442245, 0.832415], abs=1e-6)
    half = Fit(0.3, 3, 0.5, 0)
    assert half.pass_at((1, 16, 1024)) == pytest.approx(found / 2)
    assert half.pass_at([10**15])[0] == pytest.approx(0.5, abs=1e-4)


def test_tail_is_a_power_law():
    fit = Fit(0.5, 2, 0, 0)
    assert 1 - fit.pass_at([1024])[0] == pytest.approx(0.0415064, abs=1e-7)
    assert fit.tail(1024) == pytest.approx(0.0415419, abs=1e-7)


def test_rates_spread_down_to_zero_need_no_mass_there():
    fit = fit_counts(SPREAD)
    assert (fit.alpha, fit.beta) == (pytest.approx(0.13447, abs=1e-4), pytest.approx(0.38393, 1e-3))
    assert fit.log_likelihood == pytest.approx(-39.0014, abs=2e-4)
    assert fit.zero == 0
    assert fit.pass_at([1024])[0] == pytest.approx(0.7088, abs=1e-4)
    found = check(SPREAD)
    assert found.ratio == 0
    assert found.p == 1
    interval = zero_interval(SPREAD)
    assert interval.low == 0
    assert 0.5 < interval.high < 0.7


def test_rates_with_a_gap_below_them_have_one():
    plain = fit_counts(GAPPED, with_zero=False)
    assert plain.pass_at([1024])[0] == pytest.approx(0.8547, abs=1e-4)
    fit = fit_counts(GAPPED)
    assert fit.zero == pytest.approx(0.5, abs=2e-4)
    assert fit.pass_at([1024])[0] == pytest.approx(0.5, abs=2e-4)
    found = check(GAPPED)
    assert found.ratio == pytest.approx(21.41, abs=0.01)
    assert found.p == pytest.approx(stats.chi2.sf(21.41, 1) / 2, rel=0.01)
    assert found.zeros == (pytest.approx(10, abs=0.01), 10)
    assert found.gap < 0.01
    interval = zero_interval(GAPPED)
    # All but certain that the ten are at 0, so the interval is that of 10 of 20.
    assert (interval.low, interval.high) == (
        pytest.approx(0.291, abs=0.005),
        pytest.approx(0.709, abs=0.005),
    )


def test_likelihood_is_scipys():
    fit = fit_counts(SPREAD)
    expected = stats.betabinom.logpmf(SPREAD.c, SPREAD.n, fit.alpha, fit.beta).sum()
    assert fit.log_likelihood == pytest.approx(expected)


def test_posterior_of_zero():
    fit = Fit(1, 1, 0.5, 0)
    # None of n by a flat rate has the chance 1 / (n + 1).
    assert fit.zero_given_none(np.array([1, 9])) == pytest.approx([2 / 3, 10 / 11])


def test_rates_are_recovered_and_order_says_nothing():
    table = drawn(0.4, 2.0, 0.3, 32, 800, seed=0)
    fit = fit_counts(table)
    truth = Fit(0.4, 2.0, 0.3, 0)
    assert fit.pass_at((1, 64, 1024)) == pytest.approx(truth.pass_at((1, 64, 1024)), abs=0.04)
    assert zero_interval(table).low < 0.3 < zero_interval(table).high
    turned = fit_counts(counts(table.n[::-1], table.c[::-1]))
    assert turned == fit


def test_one_rate_for_all_is_the_limit():
    table = drawn(3e5, 1e6, 0.0, 32, 300, seed=1)
    fit = fit_counts(table)
    assert fit.pass_at([1])[0] == pytest.approx(table.rates.mean(), abs=1e-3)
    assert fit.alpha + fit.beta > 100
    solved = fit_counts(counts(4, [4, 4, 4]))
    assert solved.pass_at([1])[0] == pytest.approx(1, abs=1e-3)


def test_bands_cover():
    inside = 0
    for seed in range(4):
        curve = forecast(drawn(0.5, 2.0, 0.2, 16, 80, seed), [512], seed, resamples=12)
        assert curve.low[0] <= curve.mean[0] <= curve.high[0]
        inside += curve.low[0] <= Fit(0.5, 2.0, 0.2, 0).pass_at([512])[0] <= curve.high[0]
    # The ends are those of all 12 resamples; a band that covered half of the time would miss more.
    assert inside >= 3


def test_backtest_on_more_samples():
    said, found = backtest(drawn(0.5, 2.0, 0.0, 256, 400, seed=5), 32, (64, 256))
    assert said == pytest.approx(found, abs=0.03)
    with pytest.raises(UserError, match="300 samples cannot be drawn from 256"):
        backtest(drawn(0.5, 2.0, 0.0, 256, 4, seed=5), 300, [64])


def test_nothing_solved_is_refused():
    with pytest.raises(UserError, match="no problem was solved in 16 samples"):
        fit_counts(counts(16, [0, 0]))
