"""Estimators against brute force, other implementations, and the truth in simulations."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from rlskills.stats import (
    Interval,
    accuracy_interval,
    bootstrap,
    bootstrap_mean,
    holm,
    holm_adjusted,
    mean_interval,
    newcombe,
    paired_difference,
    paired_p,
    pass_at_k,
    pass_curve,
    seed_band,
    short,
    wilson,
)

shares = st.floats(0, 1, allow_subnormal=False)
bits = st.lists(st.booleans(), min_size=1, max_size=40)


@st.composite
def counts(draw: st.DrawFn, largest: int) -> tuple[int, int, int]:
    """(n, c, k) of a valid pass@k."""
    n = draw(st.integers(1, largest))
    return n, draw(st.integers(0, n)), draw(st.integers(1, n))


@st.composite
def tables(draw: st.DrawFn, binary: bool = False) -> np.ndarray:
    """Outcomes of shape (seeds, problems)."""
    seeds, problems = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    cell = st.sampled_from((0.0, 1.0)) if binary else shares
    return np.array([[draw(cell) for _ in range(problems)] for _ in range(seeds)])


@given(counts(largest=9))
def test_pass_at_k_counts_the_draws_with_a_correct_sample(case: tuple[int, int, int]) -> None:
    n, c, k = case
    draws = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


@given(counts(largest=2000))
def test_pass_at_k_is_a_share_and_rises_with_k_and_c(case: tuple[int, int, int]) -> None:
    n, c, k = case
    value = pass_at_k(n, c, k)
    assert 0 <= value <= 1
    assert pass_at_k(n, c, 1) == pytest.approx(c / n)
    assert k == n or pass_at_k(n, c, k + 1) >= value - 1e-12
    assert c == n or pass_at_k(n, c + 1, k) >= value


def test_pass_at_k_keeps_its_digits_at_large_n() -> None:
    assert pass_at_k(10**6, 1, 1) == pytest.approx(1e-6, rel=1e-12)
    assert pass_at_k(10**6, 3, 7) == pytest.approx(2.09998740003e-5, rel=1e-9)
    assert pass_at_k(1000, 1, 1000) == 1
    assert pass_at_k(1000, 0, 1000) == 0


def test_pass_curve_is_pass_at_k_for_every_k() -> None:
    curve = pass_curve(40, np.arange(41), 40)
    for c, k in [(0, 40), (1, 1), (3, 17), (20, 21), (40, 1), (39, 2)]:
        exact = 1 - comb(40 - c, k) / comb(40, k)
        assert curve[c, k - 1] == pytest.approx(exact, abs=1e-14)


@pytest.mark.parametrize("case", [(0, 0, 1), (5, 6, 1), (5, -1, 1), (5, 2, 0), (5, 2, 6)])
def test_pass_at_k_refuses_impossible_counts(case: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"pass@k needs"):
        pass_at_k(*case)


@given(st.integers(1, 3000), st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    ours = wilson(successes, n)
    theirs = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.integers(1, 500), shares, st.floats(0.5, 0.999))
def test_wilson_holds_the_mean_and_has_width(n: int, share: float, confidence: float) -> None:
    interval = wilson(share * n, n, confidence)
    assert 0 <= interval.low <= interval.mean <= interval.high <= 1
    assert interval.high > interval.low


@given(st.lists(shares, min_size=2, max_size=8))
def test_mean_interval_is_students_t(values: list[float]) -> None:
    assume(np.ptp(values) > 1e-6)
    mean, error = np.mean(values), stats.sem(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=mean, scale=error)
    interval = mean_interval(values)
    expected = (mean, max(0.0, low), min(1.0, high))
    assert (interval.mean, interval.low, interval.high) == pytest.approx(expected)


def test_mean_interval_refuses_one_seed_and_values_out_of_bounds() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval([0.5])
    with pytest.raises(ValueError, match="outside"):
        mean_interval([0.5, 1.5])


@given(st.lists(shares, min_size=1, max_size=30), st.integers(0, 5))
def test_bootstrap_stays_within_the_values(values: list[float], seed: int) -> None:
    interval = bootstrap_mean(values, seed)
    assert min(values) <= interval.low <= interval.high <= max(values)
    assert interval.mean == pytest.approx(np.mean(values))


@given(bits, st.randoms(use_true_random=False))
def test_bootstrap_takes_problems_in_any_order(values: list[bool], random: object) -> None:
    shuffled = values.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert bootstrap_mean(values, 3) == bootstrap_mean(shuffled, 3)


def test_bootstrap_is_that_of_drawing_problems_one_by_one() -> None:
    values = np.random.default_rng(0).choice([0, 0.25, 0.5, 1], size=60)
    draws = np.random.default_rng(1).choice(values, size=(20000, 60)).mean(axis=1)
    interval = bootstrap_mean(values, seed=2)
    expected = np.quantile(draws, (0.025, 0.975))
    assert (interval.low, interval.high) == pytest.approx(tuple(expected), abs=0.01)


def test_bootstrap_depends_on_its_seed_alone() -> None:
    values = np.random.default_rng(0).random(30)
    np.random.seed(1)
    first = bootstrap_mean(values, 5)
    np.random.seed(2)
    assert bootstrap_mean(values, 5) == first
    assert bootstrap_mean(values, 6) != first


def test_bootstrap_of_a_median_takes_values_that_are_there() -> None:
    interval = bootstrap([1.0, 2.0, 4.0], "seeds", np.median)
    assert (interval.mean, interval.low, interval.high) == (2.0, 1.0, 4.0)
    assert interval.method == "bootstrap over seeds"


@pytest.mark.parametrize("values", [[3.0], [0.1, 0.1, 0.1]])
def test_bootstrap_of_what_does_not_vary_has_no_width(values: list[float]) -> None:
    interval = bootstrap(values, "seeds")
    assert interval.low == interval.mean == interval.high == pytest.approx(values[0])


def test_a_band_is_the_range_and_from_three_seeds_on_the_t_interval() -> None:
    two = np.array([[0.0, 0.5], [0.2, 0.4]])
    assert [bound.tolist() for bound in seed_band(two)] == [[0.0, 0.4], [0.2, 0.5]]
    three = np.vstack([two, [[0.4, 0.6]]])
    low, high = seed_band(three)
    expected = mean_interval([0.5, 0.4, 0.6])
    assert (low[1], high[1]) == pytest.approx((expected.low, expected.high))


@given(tables(), st.randoms(use_true_random=False))
def test_accuracy_ignores_the_order_of_seeds_and_problems(
    table: np.ndarray, random: object
) -> None:
    rows, columns = list(range(table.shape[0])), list(range(table.shape[1]))
    random.shuffle(rows)  # type: ignore[attr-defined]
    random.shuffle(columns)  # type: ignore[attr-defined]
    one, two = accuracy_interval(table), accuracy_interval(table[rows][:, columns])
    assert one.method == two.method
    assert one.mean == pytest.approx(two.mean)
    # Sums in another order may round problems apart that were equal, and so draw otherwise.
    assert (one.low, one.high) == pytest.approx((two.low, two.high), abs=0.05)


@given(tables(binary=True))
def test_accuracy_is_bounded_and_never_certain(table: np.ndarray) -> None:
    interval = accuracy_interval(table)
    assert 0 <= interval.low <= interval.mean <= interval.high <= 1
    assert interval.high > interval.low


def test_accuracy_chooses_its_method_by_what_varies() -> None:
    one = np.array([[1, 0, 1, 1]])
    assert accuracy_interval(one) == wilson(3, 4)
    assert "bootstrap" in accuracy_interval([[1, 0, 1, 1], [1, 1, 0, 1]]).method
    assert "Student" in accuracy_interval([[1, 0], [1, 1], [0, 0]]).method
    assert accuracy_interval(np.zeros((3, 50))) == wilson(0, 50)
    assert "bootstrap" in accuracy_interval([[0.5, 0.25, 1.0]]).method


def test_accuracy_refuses_what_is_no_accuracy() -> None:
    for outcomes in ([[1.5]], [[float("nan")]], [], [[]]):
        with pytest.raises(ValueError, match="outcomes must"):
            accuracy_interval(outcomes)


@given(tables(), st.data())
def test_a_difference_is_bounded_and_turns_its_sign(first: np.ndarray, data: st.DataObject) -> None:
    flat = data.draw(st.lists(shares, min_size=first.size, max_size=first.size))
    second = np.array(flat).reshape(first.shape)
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert -1 <= there.low <= there.high <= 1
    assert there.mean == pytest.approx(first.mean() - second.mean(), abs=1e-9)
    assert there.mean == pytest.approx(-back.mean, abs=1e-9)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=0.1)


def test_pairing_sees_what_two_intervals_would_hide() -> None:
    draw = np.random.default_rng(0)
    base = (draw.random((1, 200)) < 0.5).astype(float)
    better = base.copy()
    better[0, np.flatnonzero(base[0] == 0)[:12]] = 1
    assert paired_difference(better, base).excludes(0)
    assert accuracy_interval(better).low < accuracy_interval(base).high


def test_difference_over_three_seeds_is_a_t_interval_of_the_seeds_differences() -> None:
    base = np.zeros((3, 10))
    arm = np.zeros((3, 10))
    arm[0, :2], arm[1, :3], arm[2, :4] = 1, 1, 1
    interval = paired_difference(arm, base)
    expected = mean_interval([0.2, 0.3, 0.4])
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval == paired_difference(arm, base[0])


def test_equal_outcomes_do_not_claim_certainty() -> None:
    none = np.zeros((1, 50))
    interval = paired_difference(none, none)
    assert interval.mean == 0
    assert interval.low == pytest.approx(-wilson(0, 50).high)
    assert interval.high == pytest.approx(wilson(0, 50).high)


def test_newcombe_gives_the_published_example() -> None:
    # Newcombe 1998, table II, method 10, contrast (a).
    interval = newcombe(wilson(56, 70), wilson(48, 80))
    assert interval.mean == pytest.approx(0.2)
    assert (interval.low, interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_differences_of_other_problems_or_seeds_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="cannot pair"):
        paired_difference(np.zeros((2, 4)), np.zeros((2, 5)))
    with pytest.raises(ValueError, match="cannot pair"):
        paired_difference(np.zeros((3, 4)), np.zeros((2, 4)))


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_intervals_cover_the_truth_about_as_often_as_they_say(seeds: int) -> None:
    draw = np.random.default_rng(seeds)
    hits = 0
    for _ in range(300):
        outcomes = draw.random((seeds, 100)) < 0.6
        interval = accuracy_interval(outcomes)
        hits += interval.low <= 0.6 <= interval.high
    assert 0.90 <= hits / 300 <= 0.99


def test_text_is_compact() -> None:
    assert str(Interval(0.634, 0.58, 0.679, "")) == ".63 [.58, .68]"
    assert str(Interval(-0.051, -0.1, 0.0, "")) == "-.05 [-.10, .00]"
    assert [short(x) for x in (1, -1, -0.001, 0.999, 0)] == ["1.0", "-1.0", ".00", "1.0", ".00"]


def test_ratios_have_text_of_their_own() -> None:
    ratio = Interval(0.0, -1.0, 1.0, "bootstrap over seeds").map(np.exp)
    assert f"{ratio:.2f}" == "1.00 [0.37, 2.72]"
    assert ratio.method == "bootstrap over seeds"
    assert f"{Interval(0.5, 0.25, 1, '')}" == ".50 [.25, 1.0]"


def test_excludes_means_strictly_outside() -> None:
    interval = Interval(0.2, 0.0, 0.4, "")
    assert not interval.excludes(0.0)
    assert interval.excludes(-0.01)
    assert interval.excludes(0.41)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, confidence)


def test_holm_steps_down() -> None:
    # Thresholds of four: .0125, .0167, .025, .05.
    assert holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]
    assert holm([0.02, 0.01, 0.012, 0.02]) == [True] * 4
    assert holm([0.013, 0.2]) == [True, False]
    assert holm([]) == []


def test_p_is_that_of_the_paired_test() -> None:
    one, two = np.array([[0.7], [0.8], [0.7], [0.9]]), np.array([[0.5], [0.5], [0.6], [0.6]])
    assert paired_p(one, two) == pytest.approx(stats.ttest_rel(one, two).pvalue[0])
    assert paired_p(one, one) == 1.0
    assert paired_p(one[:2], two[:2]) == 1.0
    # All alike, which may be luck where problems are few: as likely as four heads or four tails.
    assert paired_p(two + 0.1, two) == pytest.approx(2 / 2**4)


def test_holm_has_a_p_for_each() -> None:
    assert holm_adjusted([0.04, 0.001, 0.2, 0.012, 0.021]) == pytest.approx(
        [0.08, 0.005, 0.2, 0.048, 0.063]
    )
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm_adjusted([0.5, float("nan")])
