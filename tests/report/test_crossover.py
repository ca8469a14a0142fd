"""Where one curve passes another for good, on curves for which the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rlskills.report.crossover import (
    COMPARED,
    Crossover,
    Curve,
    Passing,
    crossovers,
    mean_curve,
    passes,
)
from rlskills.report.reading import load_runs

TAG = "eval/train/L2/greedy"
EVAL_SETS = {("train", 2): [(True, 0, 0), (False, 0, 0)]}


def near(value: float) -> Any:
    """`pytest.approx`, which may stand where a float is declared."""
    return pytest.approx(value)


def curve(x: list[float], y: list[float]) -> Curve:
    return Curve(np.array(x, dtype=float), np.array([y], dtype=float))


def test_two_lines_meet_where_algebra_says() -> None:
    rising, flat = curve([0, 100], [0, 1]), curve([0, 100], [0.3, 0.3])
    assert passes(rising, flat) == Passing(near(30.0))
    assert passes(flat, rising) is None


def test_only_the_last_crossing_counts() -> None:
    zigzag = curve([0, 1, 2, 3, 4], [0, 1, 0, 1, 1])
    flat = curve([0, 4], [0.5, 0.5])
    assert passes(zigzag, flat) == Passing(near(2.5))


def test_points_need_not_coincide() -> None:
    one, two = curve([1, 7, 11], [0.1, 0.7, 1.1]), curve([0, 5, 20], [0.5, 0.5, 0.5])
    assert passes(one, two) == Passing(near(5.0))


def test_ahead_from_the_first_point_is_no_crossing() -> None:
    one, two = curve([0, 10], [0.4, 0.9]), curve([0, 10], [0.2, 0.3])
    assert passes(one, two) == Passing(0.0, from_start=True)
    level = curve([0, 10], [0.2, 0.9])
    assert passes(level, two) == Passing(0.0, from_start=True)
    assert passes(two, one) is None
    assert passes(two, two) is None


def test_a_long_tie_is_left_where_it_ends() -> None:
    one, two = curve([0, 10, 20], [0, 0, 1]), curve([0, 20], [0, 0])
    assert passes(one, two) == Passing(10.0)


def test_an_arm_that_ended_keeps_its_last_value() -> None:
    slow, quick = curve([0, 1000], [0, 1]), curve([0, 50], [0, 0.6])
    assert passes(slow, quick) == Passing(near(600.0), after_end=True)


def test_nothing_is_assumed_before_the_first_evaluation() -> None:
    late, early = curve([40, 100], [0.5, 0.9]), curve([0, 100], [0.1, 0.2])
    assert passes(late, early) == Passing(40.0, from_start=True)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Values in twentieths at whole, rising budgets."""
    x = sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=8)))
    y = draw(st.lists(st.integers(0, 20), min_size=len(x), max_size=len(x)))
    return curve([float(value) for value in x], [value / 20 for value in y])


@given(curves(), curves())
def test_passing_is_what_a_fine_grid_sees(one: Curve, two: Curve) -> None:
    start, end = max(one.x[0], two.x[0]), max(one.x[-1], two.x[-1])
    grid = np.linspace(start, end, 4001)
    ahead = np.interp(grid, one.x, one.mean) - np.interp(grid, two.x, two.mean)
    found = passes(one, two)
    assert (found is not None) == (ahead[-1] > 1e-9)
    if found is not None:
        assert start <= found.at <= end
        assert (ahead[grid > found.at + 1e-6] > 0).all()
        before = ahead[grid < found.at - 1e-6]
        assert found.from_start or len(before) == 0 or before[-1] <= 0.02


@given(curves(), curves(), st.floats(0.1, 1000))
def test_the_unit_of_the_budget_does_not_matter(one: Curve, two: Curve, unit: float) -> None:
    plain = passes(one, two)
    scaled = passes(Curve(one.x * unit, one.values), Curve(two.x * unit, two.values))
    assume(plain is not None)
    assert plain is not None
    assert scaled is not None
    assert scaled.at == pytest.approx(plain.at * unit, abs=1e-6)
    assert scaled.from_start == plain.from_start


@given(curves(), curves())
def test_at_most_one_of_two_stays_ahead(one: Curve, two: Curve) -> None:
    assert passes(one, two) is None or passes(two, one) is None


def test_mean_curve_averages_the_steps_that_all_seeds_have(folders: Any) -> None:
    folders.write("grpo", 0, EVAL_SETS, folders.curve(TAG, [0.0, 0.2, 0.4], seconds=10))
    folders.write("grpo", 1, EVAL_SETS, folders.curve(TAG, [0.2, 0.4], seconds=30))
    found = mean_curve(load_runs([folders.root]), TAG, "seconds")
    assert found is not None
    assert found.x.tolist() == [0, 20]
    assert found.mean == pytest.approx([0.1, 0.3])
    assert found.values.shape == (2, 2)
    assert mean_curve(load_runs([folders.root]), "eval/train/L9/greedy", "seconds") is None


def write_pair(folders: Any, quick: list[float], slow: list[float], **rates: float) -> Crossover:
    folders.write("base", 0, EVAL_SETS)
    folders.write("sft", 0, EVAL_SETS, folders.curve(TAG, quick, **rates), supervision="every step")
    folders.write("grpo", 0, EVAL_SETS, folders.curve(TAG, slow))
    (found,) = crossovers(load_runs([folders.root]))
    return found


def test_a_crossover_says_who_passes_whom_and_where(folders: Any) -> None:
    found = write_pair(folders, [0.3, 0.3, 0.3], [0.0, 0.6, 0.8], generated_tokens=0, seconds=1)
    assert (found.leader, found.trailer) == ("grpo", "sft")
    assert found.lead == pytest.approx(0.5)
    assert found.crosses
    assert not found.same_supervision
    assert set(found.passing) == set(COMPARED)
    assert found.passing["generated_tokens"] is None
    assert found.sentence() == "grpo passes sft on train/L2 at 5 samples"
    assert found.sentence("seconds") == (
        "grpo passes sft on train/L2 at 5 seconds, after sft ended"
    )
    assert "spends no generated tokens" in found.sentence("generated_tokens")


def test_arms_that_end_level_have_no_leader(folders: Any) -> None:
    found = write_pair(folders, [0.3, 0.5], [0.0, 0.5])
    assert found.leader is None
    assert found.trailer is None
    assert not found.crosses
    assert found.sentence() == "grpo and sft end level on train/L2"


def test_an_arm_ahead_throughout_does_not_cross(folders: Any) -> None:
    found = write_pair(folders, [0.3, 0.5], [0.0, 0.1])
    assert found.leader == "sft"
    assert not found.crosses
    assert found.sentence() == "sft is above grpo on train/L2 from the first evaluation"
