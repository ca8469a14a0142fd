"""The shift between two curves of pass@k."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.evaluation.measures.counts import counts
from rlskills.evaluation.measures.shift import crossing, over_base_at_budget, shift

KS = (1, 2, 4, 8)


def sampled(p: np.ndarray, n: int, seed: int):
    return counts(n, np.random.default_rng(seed).binomial(n, p))


def test_where_a_curve_crosses():
    curve = 1 - 0.98 ** np.arange(1, 101)
    assert crossing(curve, 0.3) == pytest.approx(17.6548, abs=1e-4)
    assert crossing(curve, 0.01) == pytest.approx(np.log(0.99) / np.log(0.98))
    assert crossing(curve, 0.99) == np.inf
    assert crossing(np.array([0.5, 1.0, 1.0]), 1.0) == 2
    assert crossing(np.array([0.25, 0.5, 0.5]), 0.5) == 2


@given(st.floats(0.01, 0.9), st.integers(1, 40))
def test_crossing_undoes_the_curve(p: float, k: int):
    curve = 1 - (1 - p) ** np.arange(1, 41)
    strict = k < 5 or curve[k - 1] < 1 - 1e-9
    assert not strict or crossing(curve, curve[k - 1]) == pytest.approx(k, abs=1e-4)


def test_one_rate_for_all_is_a_constant_shift_though_the_gap_grows():
    p = np.full(200, 1.0)
    base, arm = sampled(0.01 * p, 256, 0), sampled(0.05 * p, 256, 1)
    found = shift(base, arm, KS, resamples=200)
    # log(.95) / log(.99) at every k.
    assert found.worth == pytest.approx(5.1, rel=0.1)
    assert found.kind == "access"
    assert (found.low <= found.worth).all()
    assert (found.worth <= found.high).all()
    gaps = [(1 - 0.95**k) - (1 - 0.99**k) for k in (1, 4, 16, 64, 256)]
    assert [round(100 * gap) for gap in gaps] == [4, 15, 41, 49, 8]


def test_other_problems_solved_is_reach():
    p = np.repeat([0.0, 0.2], 100)
    base, arm = sampled(p, 64, 0), sampled(np.maximum(p, 0.1), 64, 1)
    found = shift(base, arm, (1, 32), resamples=200)
    assert np.isinf(found.worth[1])
    assert found.unreached == 1
    assert found.drift.mean == np.inf
    assert found.kind == "reach"


def test_an_arm_is_worth_itself_and_order_says_nothing():
    table = sampled(np.linspace(0, 0.9, 40), 16, 2)
    found = shift(table, table, KS, resamples=50)
    assert found.worth == pytest.approx(1)
    assert found.low == pytest.approx(1)
    assert found.kind == "access"
    other = sampled(np.linspace(0.2, 0.9, 40), 16, 3)
    one = shift(table, other, KS, resamples=5).worth
    one_turned, other_turned = (counts(16, each.c[::-1]) for each in (table, other))
    assert shift(one_turned, other_turned, KS, resamples=5).worth == pytest.approx(one)


def test_few_problems_decide_nothing():
    base, arm = counts(64, [0, 1, 8, 20]), counts(64, [1, 3, 9, 40])
    assert shift(base, arm, (1, 16), resamples=200).kind == "undecided"


def test_base_at_the_budget_of_training():
    base, arm = counts(8, [2, 0, 8]), counts(8, [4, 0, 8])
    found = over_base_at_budget(base, arm, 4)
    assert found.mean == pytest.approx((0.5 - 0.785714) / 3, abs=1e-6)
    with pytest.raises(UserError, match="pass@16 needs 16 samples"):
        over_base_at_budget(base, arm, 16)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(UserError, match="3 problems cannot be paired with 2"):
        shift(counts(8, [1, 1, 1]), counts(8, [1, 1]), [1])
    with pytest.raises(UserError, match="solved nothing"):
        shift(counts(8, [1]), counts(8, [0]), [1])
