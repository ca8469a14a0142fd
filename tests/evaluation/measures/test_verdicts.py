"""Verdicts from effects over seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rlskills.errors import UserError
from rlskills.evaluation.measures.verdicts import (
    Declared,
    detectable,
    rule,
    seeds_needed,
    smallest_sign_flip_p,
    tost,
    verdicts,
)

KEPT = [-0.010, 0.004, -0.006, 0.002, -0.005]


def p_against(values: list[float], mean: float, side: str = "two-sided") -> float:
    """Of scipy's t test."""
    result: Any = stats.ttest_1samp(values, mean, alternative=side)
    return float(result.pvalue)


def test_equivalence_by_hand():
    found = tost(KEPT, 0.02)
    assert found.p == pytest.approx(0.001429, abs=1e-6)
    assert found.interval.mean == pytest.approx(-0.003)
    assert found.interval.low == pytest.approx(-0.008559, abs=1e-6)
    assert found.interval.high == pytest.approx(0.002559, abs=1e-6)
    assert found.equivalent
    assert not tost([-0.1, 0.1, 0.02], 0.02).equivalent
    one = p_against(KEPT, -0.02, "greater")
    other = p_against(KEPT, 0.02, "less")
    assert found.p == pytest.approx(max(one, other))


@given(st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=8), st.floats(0.001, 0.1))
def test_equivalence_is_the_interval_within_the_margin(values: list[float], margin: float):
    found = tost(values, margin)
    if np.std(values) > 1e-9:
        inside = -margin < found.interval.low and found.interval.high < margin
        assert found.equivalent == inside
    assert tost([-x for x in values], margin).p == pytest.approx(found.p)


def test_seeds_that_agree_are_not_certain():
    assert tost([0.0] * 4, 0.02).p == 1 / 16
    assert not tost([0.0] * 4, 0.02).equivalent
    assert tost([0.0] * 5, 0.02).equivalent
    assert not tost([0.03] * 9, 0.02).equivalent


@pytest.mark.parametrize(
    ("n", "units"),
    [(2, 11.55), (3, 3.264), (4, 2.128), (5, 1.682), (6, 1.435), (8, 1.156), (10, 0.996),
     (20, 0.660)],
)  # fmt: skip
def test_detectable_effect(n: int, units: float):
    assert detectable(n) == pytest.approx(units, abs=6e-3 if n == 2 else 6e-4)


@pytest.mark.parametrize(("n", "units"), [(3, 3.071), (5, 2.024), (10, 1.325)])
def test_detectable_effect_of_unpaired_seeds(n: int, units: float):
    assert detectable(n, paired=False) == pytest.approx(units, abs=6e-4)


def test_detectable_effect_is_found_as_often_as_it_says():
    effect = detectable(5, sd=0.04)
    assert effect == pytest.approx(0.067, abs=5e-4)
    drawn = np.random.default_rng(0).normal(effect, 0.04, size=(1500, 5))
    result: Any = stats.ttest_1samp(drawn, 0, axis=1)
    assert np.mean(result.pvalue <= 0.05) == pytest.approx(0.8, abs=0.04)


def test_seeds_needed_is_the_fewest():
    for effect in (0.02, 0.05, 0.2):
        n = seeds_needed(effect, 0.04)
        assert detectable(n, 0.04) <= effect
        assert n == 2 or detectable(n - 1, 0.04) > effect
    assert seeds_needed(1e-9, 1.0) == 10_000


def test_signs():
    assert smallest_sign_flip_p(5) == 0.0625
    assert smallest_sign_flip_p(6) == 0.03125


@pytest.mark.parametrize(
    ("low", "high", "smallest", "form", "outcome"),
    [
        (0.05, 0.19, 0.03, "above", ("reproduced", "")),
        (0.05, 0.19, 0.05, "above", ("inconclusive", "")),
        (-0.02, 0.04, 0.05, "above", ("not reproduced", "equivalent to none")),
        (-0.02, 0.04, 0.015, "above", ("inconclusive", "")),
        (-0.06, 0.04, 0.05, "above", ("not reproduced", "")),
        (-0.01, 0.015, 0.02, "above", ("not reproduced", "equivalent to none")),
        (-0.09, -0.03, 0.02, "above", ("not reproduced", "opposite")),
        (-0.01, 0.015, 0.02, "below", ("reproduced", "")),
        (0.03, 0.09, 0.02, "below", ("not reproduced", "")),
        (0.01, 0.09, 0.02, "below", ("inconclusive", "")),
        (-0.01, 0.015, 0.02, "within", ("reproduced", "")),
        (-0.09, -0.03, 0.02, "within", ("not reproduced", "")),
        (-0.03, 0.01, 0.02, "within", ("inconclusive", "")),
    ],
)
def test_rule(low: float, high: float, smallest: float, form, outcome: tuple[str, str]):
    assert rule(low, high, smallest, form) == outcome


def test_a_page_of_claims():
    found = verdicts(
        {
            "composes": Declared([0.20, 0.24, 0.22, 0.25, 0.21], 0.05),
            "does not": Declared([0.001, -0.004, 0.003, 0.0, 0.002], 0.02, "below"),
            "keeps": Declared(KEPT, 0.02, "within"),
            "unsure": Declared([0.30, -0.10, 0.12, 0.02, 0.05], 0.05),
            "no gate": Declared([0.3, 0.3, 0.3], 0.05, missing=["atoms are not mastered"]),
            "few": Declared([0.3, 0.2], 0.05),
        }
    )
    outcomes = {name: verdict.outcome for name, verdict in found.items()}
    assert outcomes == {
        "composes": "reproduced",
        "does not": "reproduced",
        "keeps": "reproduced",
        "unsure": "inconclusive",
        "no gate": "not testable",
        "few": "not testable",
    }
    assert found["no gate"].note == "atoms are not mastered"
    unsure = found["unsure"]
    # The only one that is left, so at 5%, as if it stood alone.
    sd = float(np.std([0.30, -0.10, 0.12, 0.02, 0.05], ddof=1))
    assert unsure.detectable == pytest.approx(detectable(5, sd))
    assert unsure.seeds == seeds_needed(0.05, sd) > 5
    assert found["composes"].seeds is None


def test_more_claims_need_more():
    effects = [0.05, 0.09, 0.13, 0.07, 0.06]
    assert verdicts({"alone": Declared(effects, 0.03)})["alone"].outcome == "reproduced"
    weak = {str(i): Declared([0.1, -0.1, 0.05, 0.0, 0.02], 0.03) for i in range(9)}
    page = verdicts({"one": Declared(effects, 0.03), **weak})
    assert page["one"].outcome == "inconclusive"


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(-0.2, 0.3), min_size=4, max_size=4).filter(lambda x: np.std(x) > 1e-6),
        min_size=1,
        max_size=5,
    )
)
def test_decided_is_what_holm_rejects(pages: list[list[float]]):
    from rlskills.stats import holm

    found = verdicts({str(i): Declared(effects, 0.05) for i, effects in enumerate(pages)})
    p = [p_against(effects, 0.05) for effects in pages]
    decided = [verdict.outcome != "inconclusive" for verdict in found.values()]
    assert decided == holm(p)


def test_false_verdicts_are_rare():
    """At an effect of just the smallest size of interest, luck decides in 5% of pages of 4."""
    drawn = np.random.default_rng(2).normal(0.05, 0.04, size=(100, 4, 5))
    decided = 0
    for page in drawn.tolist():
        found = verdicts({str(i): Declared(row, 0.05) for i, row in enumerate(page)})
        decided += any(each.outcome != "inconclusive" for each in found.values())
    # Without the correction it would be 19 of 100.
    assert 1 <= decided <= 12


def test_effects_that_agree_are_judged_by_signs():
    five, six = (verdicts({"a": Declared([0.5] * n, 0.05)})["a"] for n in (5, 6))
    assert (five.outcome, five.seeds) == ("inconclusive", 6)
    assert six.outcome == "reproduced"


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(UserError, match="smallest effect of interest cannot be -1"):
        verdicts({"a": Declared([1, 2, 3], -1)})
    with pytest.raises(UserError, match="one finite number for each seed"):
        verdicts({"a": Declared([1, 2, float("nan")], 1)})
    with pytest.raises(UserError, match="margin above 0"):
        tost([1, 2, 3], 0)
    with pytest.raises(UserError, match="at least 2 seeds"):
        detectable(1)
    with pytest.raises(UserError, match="above 0"):
        seeds_needed(0, 1)
