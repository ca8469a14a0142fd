"""Onset and extrapolation of learning curves."""

from __future__ import annotations

import numpy as np
import pytest

from rlskills.errors import UserError
from rlskills.evaluation.measures.curves import fit_curve, mastered, onset, should_stop

COUNTS = [1, 0, 2, 1, 1, 9, 12, 15, 16, 15]


def power_law(t: np.ndarray, limit: float, scale: float, exponent: float) -> np.ndarray:
    return limit - scale * t**-exponent


def test_onset_by_hand():
    found = onset(32, COUNTS)
    assert found.index == 5
    assert found.ratio == pytest.approx(79.16, abs=0.005)
    assert found.low <= 5 <= found.high
    assert found.high - found.low <= 2
    # 5 low ones first of 10: the best of 252 orders, of which few others are as good.
    assert found.p < 0.02


def test_onset_of_a_flat_series_is_luck():
    generator = np.random.default_rng(0)
    p = [onset(32, generator.binomial(32, 0.3, size=8), seed).p for seed in range(25)]
    assert np.mean(np.array(p) <= 0.05) <= 0.2
    assert np.mean(p) > 0.3
    assert onset(32, [5] * 8).p == 1


def test_only_a_rise_is_an_onset():
    falls = onset(32, COUNTS[::-1])
    assert falls.ratio < 1
    assert falls.p > 0.5


def test_mastered_is_over_the_floor():
    assert mastered(32, COUNTS) == 5
    assert mastered(32, COUNTS, floor=0.1) == 6
    assert mastered(32, COUNTS, floor=0.5) is None


def test_a_power_law_is_recovered():
    t = np.array([50.0, 100, 200, 400, 800])
    n = 10**9
    fit = fit_curve(t.tolist(), n, np.round(n * power_law(t, 0.9, 1.2, 0.5)))
    assert (fit.limit, fit.scale, fit.exponent) == (
        pytest.approx(0.9, abs=1e-4),
        pytest.approx(1.2, abs=1e-3),
        pytest.approx(0.5, abs=1e-4),
    )
    assert fit.gain(800, 3200)[0] == pytest.approx(0.021213, abs=1e-5)
    assert fit.at(800)[0] == pytest.approx(power_law(np.array(800.0), 0.9, 1.2, 0.5), abs=1e-5)


def test_standard_errors_are_those_of_new_samples():
    t = np.array([20.0, 40, 80, 160, 320, 640])
    generator, predicted, said = np.random.default_rng(1), [], []
    for _ in range(40):
        k = generator.binomial(4000, power_law(t, 0.8, 1.5, 0.5))
        fit = fit_curve(t.tolist(), 4000, k)
        value, error = fit.at(1280)
        predicted.append(value)
        said.append(error)
    assert np.median(said) == pytest.approx(np.std(predicted), rel=0.35)
    truth = power_law(np.array(1280.0), 0.8, 1.5, 0.5)
    assert np.mean(predicted) == pytest.approx(truth, abs=3 * np.std(predicted) / np.sqrt(40))


def test_stops_on_a_plateau_and_not_on_a_slope():
    t = 25.0 * 2 ** np.arange(10)
    n = 10**6

    def series(*law: float) -> np.ndarray:
        return np.round(n * power_law(t, *law))

    flat, rising = series(0.8, 8.0, 1.0), series(0.95, 1.5, 0.3)
    assert should_stop(t.tolist(), n, flat)
    assert not should_stop(t.tolist(), n, rising)
    # What is worth it decides.
    assert not should_stop(t.tolist(), n, flat, delta=1e-6)
    # Too few evaluations say nothing, nor do too few samples.
    assert not should_stop(t[:7].tolist(), n, flat[:7])
    few = np.random.default_rng(0).binomial(32, flat / n)
    assert not should_stop(t.tolist(), 32, few)


def test_what_is_no_curve_is_refused():
    with pytest.raises(UserError, match="at least 4 evaluations, not 3"):
        onset(32, [1, 2, 3])
    with pytest.raises(UserError, match="33 correct of 32"):
        onset(32, [1, 2, 3, 33])
    with pytest.raises(UserError, match="4 rising budgets"):
        fit_curve([1, 2, 2, 4], 32, [1, 2, 3, 4])
    with pytest.raises(UserError, match="4 rising budgets"):
        fit_curve([0, 1, 2, 4], 32, [1, 2, 3, 4])
