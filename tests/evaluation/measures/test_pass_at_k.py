"""pass@k: numbers worked out by hand, and the truth in simulations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.evaluation.measures.counts import Counts, counts, resampled_means
from rlskills.evaluation.measures.pass_at_k import (
    above_floor,
    all_right,
    chance_floor,
    over_problems,
    over_seeds,
    pass_at,
    verified_counts,
    verified_given_correct,
)


@st.composite
def tables(draw: st.DrawFn) -> Counts:
    n = draw(st.lists(st.integers(1, 60), min_size=1, max_size=8))
    return counts(n, [draw(st.integers(0, each)) for each in n])


def test_numbers_by_hand():
    assert pass_at(counts(8, [2]), (1, 4, 7))[0] == pytest.approx([0.25, 0.785714, 1.0], abs=1e-6)
    assert pass_at(counts(1024, [1]), [512])[0] == pytest.approx([0.5], abs=1e-12)
    assert pass_at(counts(1024, [3]), [256])[0] == pytest.approx([0.578538], abs=1e-6)
    assert all_right(counts(8, [6]), [3])[0] == pytest.approx([0.357143], abs=1e-6)


def test_large_n_keeps_its_digits():
    values = pass_at(counts(4096, [0, 1, 1, 4096]), (1, 2048, 4096))
    assert values[1] == pytest.approx([1 / 4096, 0.5, 1], rel=1e-12)
    assert values[0].tolist() == [0, 0, 0]
    assert values[3].tolist() == [1, 1, 1]


@settings(max_examples=50)
@given(tables())
def test_rises_with_k_starts_at_the_rate_and_ends_at_ever_right(table: Counts):
    ks = range(1, table.fewest + 1)
    values = pass_at(table, ks)
    assert (np.diff(values, axis=1) >= -1e-12).all()
    assert values[:, 0] == pytest.approx(table.rates)
    whole = table.n == table.fewest
    assert values[whole, -1] == pytest.approx((table.c[whole] > 0).astype(float))
    falls = all_right(table, ks)
    assert (np.diff(falls, axis=1) <= 1e-12).all()
    assert falls[:, 0] == pytest.approx(table.rates)


def test_is_unbiased_where_plugging_in_the_rate_is_not():
    generator = np.random.default_rng(0)
    p, n, k = 0.1, 12, 8
    drawn = counts(n, generator.binomial(n, p, size=40_000))
    truth = 1 - (1 - p) ** k
    estimates = pass_at(drawn, [k])[:, 0]
    error = estimates.std() / np.sqrt(len(drawn))
    assert abs(estimates.mean() - truth) < 3 * error
    assert (1 - (1 - drawn.rates) ** k).mean() < truth - 10 * error


def test_bands_are_joint_and_cover():
    generator = np.random.default_rng(1)
    p = generator.beta(1, 2, size=256)
    values = pass_at(counts(16, generator.binomial(16, p)), (1, 4, 16))
    curve = over_problems(values, (1, 4, 16))
    spread = (curve.high - curve.low) / (2 * 1.96)
    assert spread == pytest.approx(values.std(axis=0) / 16, rel=0.08)
    # The standard error that 256 problems of which half are solved have.
    level = over_problems(np.repeat([[0.0], [1.0]], 128, axis=0), [1])
    assert (level.high - level.low)[0] / (2 * 1.96) == pytest.approx(0.03125, rel=0.05)
    difference = over_problems(values - values, (1, 4, 16))
    assert difference.low.tolist() == difference.high.tolist() == [0, 0, 0]
    assert curve.at(4).mean == pytest.approx(values[:, 1].mean())
    with pytest.raises(UserError, match="k=2 was not computed"):
        curve.at(2)


def test_resamples_are_of_whole_problems():
    values = np.arange(6.0).reshape(3, 2)
    draws = resampled_means(values, seed=3, resamples=50)
    assert draws.shape == (50, 2)
    assert draws[:, 1] - draws[:, 0] == pytest.approx(1)
    assert resampled_means(values[:, 0], seed=3, resamples=50) == pytest.approx(draws[:, 0])


def test_order_of_problems_changes_no_mean():
    values = pass_at(counts([8, 9, 20], [1, 9, 3]), (1, 8))
    again = pass_at(counts([20, 8, 9], [3, 1, 9]), (1, 8))
    assert again == pytest.approx(values[[2, 0, 1]])


def test_band_over_seeds_is_students():
    values = np.array([[[0.2], [0.4]], [[0.4], [0.4]], [[0.6], [0.4]]])
    curve = over_seeds(values, [1])
    assert curve.mean[0] == pytest.approx(0.4)
    assert curve.high[0] - 0.4 == pytest.approx(4.302653 * 0.1 / np.sqrt(3), rel=1e-6)
    assert curve.method == "Student's t over 3 seeds"
    two = over_seeds(values[:2], [1])
    assert (two.low[0], two.high[0]) == (pytest.approx(0.3), pytest.approx(0.4))
    assert two.method == "range over 2 seeds"


def test_floor():
    assert chance_floor([1 / 1000], [1024])[0] == pytest.approx(0.641029, abs=1e-6)
    assert chance_floor([1 / 676], [1024])[0] == pytest.approx(0.780393, abs=1e-6)
    assert chance_floor([0.0, 1.0], (1, 8)).tolist() == [0.5, 0.5]
    kept = above_floor(np.array([0.5, 0.6, 0.7, 0.9]), np.array([0.1, 0.31, 0.3, 0.8]))
    assert kept.tolist() == [True, False, False, False]


def test_verified():
    correct = counts(8, [4, 2, 0])
    verified = verified_counts(correct, [2, 2, 0])
    assert pass_at(verified, [1])[:, 0] == pytest.approx([0.25, 0.25, 0])
    assert (pass_at(verified, (1, 4, 8)) <= pass_at(correct, (1, 4, 8))).all()
    share = verified_given_correct(correct, verified)
    assert share.mean == pytest.approx(4 / 6)
    assert (share.low, share.high) == (0.5, 1.0)
    with pytest.raises(UserError, match="some of the correct ones"):
        verified_counts(correct, [5, 0, 0])
    with pytest.raises(UserError, match="no answer is correct"):
        verified_given_correct(counts(8, [0]), counts(8, [0]))


@pytest.mark.parametrize(
    ("n", "c", "why"),
    [
        (8, [9], "9 correct of 8"),
        (8, [-1], "-1 correct of 8"),
        ([8, 0], [1, 0], "problem 1 has no graded sample"),
        (8, [float("nan")], "none missing"),
        (8, [1.5], "whole numbers"),
        (8, [], "at least one"),
        (8, ["1"], "whole numbers"),
    ],
)
def test_impossible_counts_are_refused_in_one_line(n: object, c: list[object], why: str):
    with pytest.raises(UserError, match=why) as error:
        counts(n, c)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(error.value)


def test_more_than_was_drawn_is_refused():
    with pytest.raises(UserError, match=r"pass@1024 needs 1024 samples .* one has 1000"):
        pass_at(counts([2048, 1000], [1, 1]), (1, 1024))
    with pytest.raises(UserError, match="1 or more"):
        pass_at(counts(8, [1]), [0])
    with pytest.raises(UserError, match="1 or more"):
        chance_floor([0.5], [])
    with pytest.raises(UserError, match="between 0 and 1"):
        chance_floor([float("nan")], [1])
