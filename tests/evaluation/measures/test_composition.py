"""Composition against the atoms' product."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.evaluation.measures.composition import (
    composition_gap,
    efficiency,
    gap_table,
    horizon,
    law,
    predicted,
    same_law,
    split,
)
from rlskills.evaluation.measures.counts import counts
from rlskills.evaluation.measures.hazards import hazards

from .test_hazards import BY_HAND


def test_gap_of_problems_whose_parts_are_right():
    atoms = np.repeat([1.0, 0.0], [40, 20])
    composed = np.repeat([1.0, 0.0, 1.0], [30, 10, 20])
    found = composition_gap(atoms, composed)
    assert found.mean == pytest.approx(0.25)
    assert found.high - found.low == pytest.approx(4 * np.sqrt(0.25 * 0.75 / 40), abs=0.04)
    half = composition_gap(np.array([0.5, 1.0]), np.array([0.0, 0.5]))
    assert half.mean == pytest.approx((0.5 + 0.5) / 1.5)
    with pytest.raises(UserError, match="solved parts"):
        composition_gap(np.zeros(3), np.ones(3))


def test_efficiency_by_hand():
    atoms = {"f": counts(100, [95]), "g": counts(100, [90]), "h": counts(100, [92])}
    found = efficiency(counts(40, [20] * 8), [("f", "g", "h")] * 8, atoms)
    assert found.predicted == pytest.approx(0.7866)
    assert found.ratio.mean == pytest.approx(0.635647, abs=1e-6)
    assert found.residual == pytest.approx(-0.453112, abs=1e-6)
    assert found.exponent == pytest.approx(2.887687, abs=1e-6)
    # All problems agree, so what is uncertain are the atoms.
    assert 0.01 < found.ratio.high - found.ratio.low < 0.2


def test_nothing_right_is_bounded():
    atoms = {"f": counts(10, [5])}
    found = efficiency(counts(8, [0] * 60), [("f", "f")] * 60, atoms)
    assert (found.ratio.low, found.ratio.high) == (0, pytest.approx(3 / 60 / 0.25))
    assert found.residual == -np.inf


def test_intervals_cover():
    generator = np.random.default_rng(0)
    p, chains, inside = {"f": 0.9, "g": 0.8, "h": 0.6}, [tuple("fgh"), tuple("ffg")] * 30, 0
    truth = 0.7
    for seed in range(40):
        atoms = {k: counts(64, [generator.binomial(64, v)]) for k, v in p.items()}
        composed = counts(8, generator.binomial(8, truth * predicted(chains, p)))
        ratio = efficiency(composed, chains, atoms, seed).ratio
        inside += ratio.low <= truth <= ratio.high
    assert inside >= 34


def test_a_law_is_recovered_and_told_apart():
    generator = np.random.default_rng(1)
    product = generator.uniform(0.1, 0.9, 300)

    def arm(offset: float, slope: float):
        return counts(32, generator.binomial(32, np.exp(offset) * product**slope)), product

    found = law(*arm(-0.2, 1.5))
    assert (found.offset, found.slope) == (
        pytest.approx(-0.2, abs=0.08),
        pytest.approx(1.5, abs=0.1),
    )
    assert law(*arm(0.0, 1.0)).offset > -0.05
    assert same_law([arm(-0.2, 1.2), arm(-0.2, 1.2)]) > 0.01
    assert same_law([arm(-0.2, 1.2), arm(0.0, 1.0)]) < 1e-6
    with pytest.raises(UserError, match="at least two arms"):
        same_law([arm(0, 1)])


def test_split_into_binding_and_context():
    found = split(hazards(BY_HAND), [0.9] * 3)
    assert found["binding"] == pytest.approx(0.675)
    assert found["context"] == pytest.approx(0.592593 / 0.729, abs=1e-6)
    assert found["efficiency"] == pytest.approx(0.548697, abs=1e-6)
    assert found["efficiency"] == pytest.approx(0.4 / 0.729)
    with pytest.raises(UserError, match="each of 3 steps"):
        split(hazards(BY_HAND), [0.9])


def test_horizon():
    assert horizon(0.9) == pytest.approx(6.5788, abs=1e-4)
    assert pytest.approx(0.59049) == 0.9**5
    with pytest.raises(UserError, match="between 0 and 1"):
        horizon(1.0)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6))
def test_product_is_order_free_and_at_most_the_worst_atom(rates: list[float]):
    atoms = {str(i): rate for i, rate in enumerate(rates)}
    chain = list(atoms)
    one, turned = predicted([chain, chain[::-1]], atoms)
    assert one == pytest.approx(turned)
    assert one <= min(rates) + 1e-12


def test_gaps_are_between_equals():
    generator = np.random.default_rng(2)

    def cell(low: float, high: float, kept: float, size: int = 240):
        product = generator.uniform(low, high, size)
        return (generator.random(size) < kept * product).astype(float), product

    seen = cell(0.2, 0.9, 1.0, 600)
    harder, new = gap_table(seen, {"harder": cell(0.2, 0.5, 1.0), "new": cell(0.4, 0.9, 0.6)})
    # Atoms that are harder are no gap of composition, though accuracy is lower.
    assert harder.accuracy.mean < seen[0].mean() - 0.1
    assert not harder.difference.excludes(0)
    assert new.difference.low > 0
    assert new.difference.mean == pytest.approx(0.4 * 0.65, abs=0.08)
    assert new.matched == 1


def test_cells_that_do_not_overlap_are_not_compared():
    far = np.full(20, 0.9), np.full(20, 0.9)
    (row,) = gap_table((np.full(20, 0.1), np.full(20, 0.1)), {"far": far})
    assert row.matched == 0
    assert np.isnan(row.difference.mean)


def test_what_cannot_be_multiplied_is_refused():
    with pytest.raises(UserError, match="no rate of g alone"):
        predicted([("f", "g")], {"f": 0.5})
    with pytest.raises(UserError, match="never right alone"):
        efficiency(counts(8, [1]), [("f",)], {"f": counts(8, [0])})
    with pytest.raises(UserError, match="1 problems and the skills of 2"):
        efficiency(counts(8, [1]), [("f",), ("f",)], {"f": counts(8, [1])})
