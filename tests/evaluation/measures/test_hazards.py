"""Hazards of the first defect."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.evaluation.measures.claims import Claim
from rlskills.evaluation.measures.failures import classify
from rlskills.evaluation.measures.hazards import CAUSES, Trace, band, hazards, trace_of

from .strings import LIBRARY, carried, chain, trace

BY_HAND = [
    Trace(3, 1, "binding"), Trace(3, 1, "slip"), Trace(3, 2, "binding"), Trace(3, 2, "binding"),
    Trace(3, 2, "slip"), Trace(3, 3, "slip"), *[Trace(3, 0, None)] * 4,
]  # fmt: skip


def test_numbers_by_hand():
    found = hazards(BY_HAND)
    assert found.at_risk.tolist() == [10, 8, 5]
    assert found.hazards == pytest.approx(np.array([[0.1, 0.25, 0], [0.1, 0.125, 0.2], [0, 0, 0]]))
    assert found.survival == pytest.approx([0.8, 0.5, 0.4])
    assert found.incidence == pytest.approx([0.30, 0.30, 0])
    assert found.interval("binding", 2).mean == 0.25
    assert found.interval("binding", 2).low == pytest.approx(0.0715, abs=1e-4)


steps = st.integers(0, 4).flatmap(
    lambda j: st.tuples(st.just(j), st.sampled_from(CAUSES) if j else st.none())
)


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, min_size=1, max_size=30))
def test_survival_is_the_share_without_a_defect(table: list):
    found = hazards([Trace(4, *each) for each in table])
    clean = sum(step == 0 for step, _ in table) / len(table)
    assert found.survival[-1] == pytest.approx(clean)
    assert found.survival[-1] + found.incidence.sum() == pytest.approx(1)
    again = hazards([Trace(4, *each) for each in reversed(table)])
    assert np.array_equal(again.failed, found.failed)


def test_short_problems_are_at_risk_up_to_their_end():
    found = hazards([Trace(1, 0, None), Trace(3, 0, None), Trace(3, 3, "stop")])
    assert found.at_risk.tolist() == [3, 2, 2]
    assert found.hazards[2].tolist() == [0, 0, 0.5]


def test_hazards_do_not_mix_exposure_with_skill():
    """Atoms of one quality: fewer slips are seen where binding fails earlier, at one hazard."""
    rng = random.Random(0)

    def sample(binding: float) -> list[Trace]:
        made = []
        for _ in range(6000):
            trace = Trace(4, 0, None)
            for step in range(1, 5):
                if rng.random() < binding:
                    trace = Trace(4, step, "binding")
                elif rng.random() < 0.2:
                    trace = Trace(4, step, "slip")
                if trace.step:
                    break
            made.append(trace)
        return made

    poor, good = hazards(sample(0.5)), hazards(sample(0.0))
    assert poor.incidence[1] < good.incidence[1] / 2
    in_context = poor.hazards[1] / (1 - poor.hazards[0])
    assert in_context == pytest.approx(0.2, abs=0.05)
    assert good.hazards[1] == pytest.approx(0.2, abs=0.03)


def test_verified_accuracy_of_judged_traces():
    rng, judged = random.Random(0), []
    task = chain("abcd", "reverse", "join", "double")
    for i in range(60):
        claims = trace(task)
        if i % 3 == 0:
            claims = claims[: rng.randint(0, 2)]
        elif i % 3 == 1:
            claims = carried(task, [claims[0], Claim("join", ("dcba", "-"), "d-c-b")], 2)
        answer = claims[-1].value if claims else "x"
        judged.append(classify(task, claims, answer, LIBRARY))
    found = hazards([trace_of(each, 3) for each in judged])
    assert found.survival[-1] == pytest.approx(
        np.mean([each.kind == "verified" for each in judged])
    )
    assert found.failed.sum(axis=1).tolist() == [0, 20, 20]
    assert found.failed[1].tolist() == [0, 20, 0]


def test_bands_are_over_problems():
    """Samples that all agree within a problem say no more than one of them."""
    once = [Trace(2, i % 2, "slip" if i % 2 else None, problem=i) for i in range(40)]
    low, high = band(once)
    many_low, many_high = band(once * 9)
    assert (many_low[1, 0], many_high[1, 0]) == pytest.approx((low[1, 0], high[1, 0]))
    assert high[1, 0] - low[1, 0] == pytest.approx(4 * np.sqrt(0.25 / 40), abs=0.03)


@pytest.mark.parametrize(
    "bad", [Trace(3, 4, "slip"), Trace(3, 0, "slip"), Trace(3, 2, None), Trace(3, -1, "stop")]
)
def test_impossible_traces_are_refused(bad: Trace):
    with pytest.raises(UserError, match="cannot have a defect at"):
        hazards([bad])


def test_nothing_to_divide_by():
    with pytest.raises(UserError, match="at least one trace"):
        hazards([])
    with pytest.raises(UserError, match="no trace reached step 2"):
        hazards([Trace(2, 1, "slip")]).interval("slip", 2)


def test_steps_that_no_trace_gets_to_have_no_bounds_and_warn_of_nothing():
    traces = [Trace(3, 1, "slip", problem) for problem in range(6)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = band(traces)
    assert np.isnan(low[:, 1:]).all()
    assert np.isnan(high[:, 1:]).all()
    assert (low[:, 0] <= high[:, 0]).all()
