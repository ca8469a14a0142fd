"""Cover@tau."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from rlskills.errors import UserError
from rlskills.evaluation.measures.counts import counts
from rlskills.evaluation.measures.cover import (
    TAUS,
    chance_of,
    cover,
    mean_rates,
    pass_from_cover,
    plain_cover,
)
from rlskills.evaluation.measures.forecast import Fit, fit_counts

FLAT = Fit(1, 1, 0, 0)


def test_pass_at_k_is_an_integral_of_cover():
    rates, taus = np.array([0.0, 0.2, 0.9]), (0.2, 0.9, 1.0)
    covered = plain_cover(rates, taus)
    assert covered.tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert pass_from_cover(taus, covered, 4) == pytest.approx(0.5301, abs=1e-4)
    assert np.mean(1 - (1 - rates) ** 4) == pytest.approx(0.5301, abs=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.integers(1, 50))
def test_the_integral_is_pass_at_k_of_any_rates(rates: list[float], k: int):
    known = np.array(rates)
    taus = sorted({*(known[known > 0]), 1.0})
    direct = np.mean(1 - (1 - known) ** k)
    assert pass_from_cover(taus, plain_cover(known, taus), k) == pytest.approx(direct, abs=1e-9)


def test_posterior_where_the_share_itself_is_coarse():
    found = chance_of(FLAT, counts(16, [12, 13]), [0.8])[:, 0]
    assert found == pytest.approx([0.241777, 0.451124], abs=1e-6)
    assert plain_cover(np.array([12 / 16]), [0.8])[0] == 0
    assert plain_cover(np.array([13 / 16]), [0.8])[0] == 1


def test_mass_at_zero_is_below_every_tau():
    half = Fit(1, 1, 0.5, 0)
    none, some = chance_of(half, counts(9, [0, 1]), [0.1, 0.0])
    alone = chance_of(FLAT, counts(9, [0, 1]), [0.1])
    assert none[0] == pytest.approx(alone[0, 0] / 11)
    assert some[0] == pytest.approx(alone[1, 0])
    assert none[1] == pytest.approx(1)


def test_falls_with_tau_and_its_area_is_the_mean_rate():
    table = counts(16, [0, 0, 3, 8, 15, 16])
    found = cover(table)
    assert found.taus == TAUS
    assert (np.diff(found.share) <= 0).all()
    assert found.share[-1] == 0
    assert (found.low <= found.share).all()
    assert (found.share <= found.high).all()
    fit, fine = fit_counts(table), np.linspace(0, 1, 4001)
    area = trapezoid(chance_of(fit, table, fine.tolist()).mean(axis=0), fine)
    assert area == pytest.approx(mean_rates(fit, table).mean(), abs=2e-3)


def test_posterior_is_calibrated_where_the_prior_is_right():
    generator = np.random.default_rng(0)
    p = generator.beta(1, 1, 4000)
    table = counts(8, generator.binomial(8, p))
    said = chance_of(FLAT, table, [0.5, 0.9]).mean(axis=0)
    assert said == pytest.approx([0.5, 0.1], abs=0.02)
    # The share of problems with c/n >= .9 is that of all 8 right, 1/9 of flat rates.
    assert plain_cover(table.rates, [0.9])[0] == pytest.approx(1 / 9, abs=0.015)


def test_impossible_taus_are_refused():
    with pytest.raises(UserError, match="taus must be numbers between 0 and 1"):
        cover(counts(4, [2]), [1.5])
    with pytest.raises(UserError, match="taus must be"):
        plain_cover(np.array([0.5]), [float("nan")])
