"""Signals against sums done by hand, and against their own definition done step by step."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.curricula import Batch, Choice, Outcome
from rlskills.curricula.batch import mean_advantage
from rlskills.curricula.pickers import (
    allocate,
    best,
    candidates,
    greedy,
    ranked,
    reordered,
    softmax,
)
from rlskills.curricula.signals.averages import Average, FastSlow
from rlskills.curricula.signals.posterior import Posterior
from rlskills.curricula.signals.stagnation import Stagnation, stagnation_factor
from rlskills.curricula.signals.staleness import Staleness
from rlskills.curricula.signals.windows import Windows

KEYS = ("a", "b", "c")
INDEX = {key: i for i, key in enumerate(KEYS)}


def batch(*groups: tuple[str, tuple[float, ...], int]) -> Batch:
    return Batch([Outcome(Choice(unit), rewards, step) for unit, rewards, step in groups], INDEX)


def once(at: int, mean: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array([at]), np.array([mean]), np.ones(1)


# Advantages.


@pytest.mark.parametrize(("k", "n"), [(0, 8), (1, 8), (4, 8), (7, 8), (8, 8), (1, 3), (2, 7)])
def test_mean_advantage_of_binary_groups(k: int, n: int):
    rewards = (1.0,) * k + (0.0,) * (n - k)
    assert mean_advantage(rewards, k / n) == pytest.approx(2 * math.sqrt(k * (n - k)) / n)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_mean_advantage_is_the_mean_of_absolute_advantages(rewards: list[float]):
    spread = np.std(rewards)
    if spread < 1e-3:
        return
    wanted = np.abs((np.array(rewards) - np.mean(rewards)) / spread).mean()
    assert mean_advantage(rewards, sum(rewards) / len(rewards)) == pytest.approx(wanted, rel=1e-6)


def test_groups_of_a_unit_are_pooled():
    both = batch(("b", (1.0, 0.0), 1), ("a", (1.0,), 1), ("b", (1.0, 1.0), 2), ("c", (), 2))
    at, mean, count = both.pooled()
    assert (at.tolist(), mean.tolist(), count.tolist()) == ([1, 0], [0.75, 1.0], [2.0, 1.0])
    assert both.advantages() == [1.0, 0.0, 0.0]


# Averages.


def test_an_average_of_several_groups_is_that_many_updates():
    teacher, two = Average(KEYS, 0.3), Average(KEYS, 0.3)
    teacher.update(np.array([1]), np.array([0.6]), np.array([3.0]))
    for _ in range(3):
        two.update(*once(1, 0.6))
    assert teacher.value[1] == pytest.approx(two.value[1]) == pytest.approx(0.6 * (1 - 0.7**3))
    assert teacher.visits.tolist() == [0, 3, 0]


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 5)), max_size=6))
def test_fast_and_slow_in_closed_form_are_step_by_step(updates: list[tuple[float, int]]):
    teacher = FastSlow(KEYS, rate=0.3, theta=0.1)
    fast = slow = 0.0
    for mean, count in updates:
        teacher.update(np.array([0]), np.array([mean]), np.array([float(count)]))
        for _ in range(count):
            fast += 0.3 * (mean - fast)
            slow += 0.3 * (fast - slow)
        assert teacher.fast[0] == pytest.approx(fast, abs=1e-12)
        assert teacher.slow[0] == pytest.approx(slow, abs=1e-12)


def test_progress_by_hand():
    teacher = FastSlow(KEYS, rate=0.5, theta=0.1)
    teacher.update(*once(2, 0.8))  # fast .4, slow .2
    assert (teacher.fast[2], teacher.slow[2]) == (pytest.approx(0.4), pytest.approx(0.2))
    magnified = 0.4 * 0.9 / (0.4 + 0.1 * 0.2) - 0.2 * 0.9 / (0.2 + 0.1 * 0.6)
    assert teacher.gap.tolist() == pytest.approx([0, 0, magnified])


def test_magnification_has_slope_nine_at_zero_and_none_at_one_half():
    steep, flat = FastSlow(KEYS, 0.3, 0.1), FastSlow(KEYS, 0.3, 0.5)
    small = np.array([1e-9])
    assert steep.magnified(small)[0] / 1e-9 == pytest.approx(9)
    p = np.linspace(0, 1, 5)
    np.testing.assert_allclose(flat.magnified(p), p)
    np.testing.assert_allclose(steep.magnified(np.array([0.0, 1.0])), [0, 1])


def test_guessing_is_taken_off():
    teacher = FastSlow(KEYS, rate=1.0, theta=0.5, baseline=0.5)
    teacher.update(np.array([0, 1]), np.array([0.4, 0.75]), np.ones(2))
    np.testing.assert_allclose(teacher.fast, [0.0, 0.5, 0.0])


# Windows.


def test_windows_keep_the_newest_and_know_slopes_and_halves():
    windows = Windows(KEYS, 4)
    for step, mean in [(1, 0.9), (2, 0.1), (3, 0.2), (5, 0.4), (6, 0.5)]:
        assert windows.push(batch(("b", (mean,), step))).tolist() == [1]
    at = np.array([1])
    assert windows.values[windows.row[1]].tolist() == [0.1, 0.2, 0.4, 0.5]
    assert windows.slope(at)[0] == pytest.approx(0.1)  # exactly .1 a step, with a gap in time
    assert windows.halves(at)[0] == pytest.approx(0.45 - 0.15)
    assert windows.mean(at)[0] == pytest.approx(0.3)
    assert windows.seen.tolist() == [0, 5, 0]


def test_short_windows():
    windows = Windows(KEYS, 4)
    windows.push(batch(("a", (0.7,), 3)))
    at = np.array([0])
    assert (windows.slope(at)[0], windows.halves(at)[0]) == (0, 0)
    windows.push(batch(("a", (0.2,), 4), ("a", (0.9,), 4), ("c", (1.0,), 4)))
    assert windows.halves(at)[0] == pytest.approx(0.9 - 0.45)  # 1 newer against 2 older
    assert windows.mean(at)[0] == pytest.approx(0.6)


def test_more_groups_in_a_step_than_a_window_holds():
    windows = Windows(KEYS, 2)
    windows.push(batch(*[("a", (i / 10,), i) for i in range(5)]))
    assert windows.values[windows.row[0]].tolist() == [0.3, 0.4]
    assert windows.times[windows.row[0]].tolist() == [3, 4]


def test_a_slope_does_not_depend_on_the_order_of_arrival():
    steps = [(1, 0.1), (4, 0.6), (6, 0.3)]
    slopes = []
    for order in (steps, steps[::-1]):
        windows = Windows(KEYS, 5)
        windows.push(batch(*[("a", (mean,), step) for step, mean in order]))
        slopes.append(windows.slope(np.array([0]))[0])
    assert slopes[0] == pytest.approx(slopes[1])
    assert slopes[0] == pytest.approx(np.polyfit([1, 4, 6], [0.1, 0.6, 0.3], 1)[0])


def test_stagnation_by_hand():
    of = np.array([4])
    # Halves .2 .4 and .5 .7: means .3 and .6, variance within .01 both, error sqrt(.01 * 4 / 4).
    values = np.array([[0.2, 0.4, 0.5, 0.7]])
    z2 = 0.3**2 / (0.01 * 4 / 4)
    assert stagnation_factor(values, of, 0.1)[0] == 1.0
    assert z2 == pytest.approx(9)
    values = np.array([[0.2, 0.6, 0.4, 0.8]])  # means .4 and .6, variance .04: z^2 = 1
    assert stagnation_factor(values, of, 0.1)[0] == pytest.approx(0.1)
    values = np.array([[0.2, 0.6, 0.6, 1.0]])  # means .4 and .8, z^2 = .16 / .04 = 4: (4 - 1) / 3
    assert stagnation_factor(values, of, 0.1)[0] == pytest.approx(1.0)
    values = np.array([[0.2, 0.6, 0.5, 0.9]])  # z^2 = .09 / .04 = 2.25: 1.25 / 3
    assert stagnation_factor(values, of, 0.1)[0] == pytest.approx(1.25 / 3)
    values = np.array([[0.9, 0.3, 0.2, 0.6, 0.5, 0.9]])  # the last five: the first is left out
    assert stagnation_factor(values, np.array([5]), 0.1)[0] == pytest.approx(1.25 / 3)


def test_coins_and_still_units_bore_and_learners_do_not():
    rng, stagnation = random.Random(0), Stagnation(KEYS, 80)
    for step in range(80):
        if step == 29:
            assert stagnation.factor.tolist() == [1, 1, 1]
        if step == 30:
            assert stagnation.factor[1] == 0.1
        rates = (0.5, 0.0, step / 80)
        groups = [tuple(float(rng.random() < p) for _ in range(8)) for p in rates]
        stagnation.update(batch(*[(key, g, step) for key, g in zip(KEYS, groups, strict=True)]))
    assert stagnation.factor[1] == 0.1
    assert stagnation.factor[2] == 1.0
    coins = np.array([[rng.choice((0.25, 0.5, 0.75)) for _ in range(80)] for _ in range(300)])
    assert np.mean(stagnation_factor(coins, np.full(300, 80), 0.1) <= 0.4) > 0.8


# Posteriors, staleness.


def test_posterior_by_hand():
    teacher = Posterior(KEYS, decay=0.5)
    teacher.update(batch(("b", (1.0, 1.0, 0.0, 1.0), 1)))
    # half of the prior's 1 stays, half is put back, and 3 of 4 are added
    assert (teacher.good[1], teacher.bad[1]) == (4.0, 2.0)
    teacher.update(batch(("b", (0.0, 0.0), 2)))
    assert (teacher.good[1], teacher.bad[1]) == (0.5 * 4 + 0.5, 0.5 * 2 + 0.5 + 2)
    assert teacher.mean()[[0, 2]].tolist() == [0.5, 0.5]


def test_staleness_by_hand():
    teacher = Staleness(KEYS)
    teacher.drawn([0, 2], step=1)
    teacher.drawn([2], step=3)
    assert teacher.ages(3).tolist() == [3, 4, 1]
    floor = teacher.floor(np.array([1.0, 0.0, 1.0]), 0.2, 3)
    np.testing.assert_allclose(floor, [0.4 + 0.2 * 3 / 8, 0.2 * 4 / 8, 0.4 + 0.2 / 8])
    np.testing.assert_allclose(teacher.floor(np.zeros(3), 0.2, 3), [3 / 8, 4 / 8, 1 / 8])


# Pickers.


def test_pickers_by_hand():
    np.testing.assert_allclose(softmax(np.array([0.0, math.log(3)]), 1.0), [0.25, 0.75])
    np.testing.assert_allclose(
        greedy(np.array([1.0, 3.0, 3.0, 0.0]), 0.2), [0.05, 0.45, 0.45, 0.05]
    )
    np.testing.assert_allclose(
        ranked(np.array([0.5, 0.9, 0.5, 0.1]), np.array([0.1, 0.5, 0.5, 0.9]), 1.0),
        [1 / 2, 1, 1 / 2, 1 / 4],
    )
    np.testing.assert_allclose(
        ranked(np.array([0.9, 0.5]), np.array([0.5, 0.9]), 0.1)[::-1], [2.0**-10, 1]
    )


def test_best_takes_the_highest_and_draws_ties():
    noise = np.random.default_rng(0)
    scores = np.array([0.3, 0.9, 0.3, 0.3, 0.0])
    drawn = [sorted(best(scores, 2, noise).tolist()) for _ in range(300)]
    assert {tuple(pair) for pair in drawn} == {(0, 1), (1, 2), (1, 3)}
    assert 60 < drawn.count([0, 1]) < 140
    assert sorted(best(scores, 9, noise).tolist()) == [0, 1, 2, 3, 4]


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 99))
def test_candidates_are_distinct_and_known(number: int, wanted: int, seed: int):
    found = candidates(number, wanted, np.random.default_rng(seed)).tolist()
    assert found == sorted(set(found))
    assert 0 < len(found) <= wanted or wanted >= number
    assert 0 <= found[0] <= found[-1] < number


def test_allocation_by_hand():
    # .5 : .3 : .2 of 20 is 10 : 6 : 4
    assert allocate(np.array([0.5, 0.3, 0.2]), 20, 1, 16).tolist() == [10, 6, 4]
    # the largest may have 8: its 2 too many go to the others as 3 : 2
    assert allocate(np.array([0.5, 0.3, 0.2]), 20, 1, 8).tolist() == [8, 7, 5]
    # a group without spread gets the least
    assert allocate(np.array([0.5, 0.0, 0.5]), 24, 4, 16).tolist() == [10, 4, 10]


@given(
    st.lists(st.floats(0, 0.5), min_size=1, max_size=9),
    st.integers(1, 6), st.integers(0, 10), st.integers(0, 10),
)  # fmt: skip
def test_allocations_meet_the_budget_and_the_bounds(spread, low: int, more: int, mean: int):
    high = low + more
    budget = min(low + mean, high) * len(spread)
    found = allocate(np.array(spread), budget, low, high)
    assert found.sum() == budget
    assert found.min() >= low
    assert found.max() <= high
    order = np.argsort(spread)
    assert (np.diff(found[order]) >= -1).all(), "more spread must not mean fewer rollouts"


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.data())
def test_ranks_are_kept_in_order_when_a_few_scores_change(values: list[int], data):
    scores = np.array(values, dtype=float)
    ordered = np.sort(scores)
    chosen = data.draw(st.sets(st.integers(0, len(values) - 1), max_size=6))
    where = np.array(sorted(chosen), dtype=np.int64)
    fresh = np.array(data.draw(st.lists(st.integers(0, 7), max_size=3)), dtype=float)
    new = np.array([float((3 * i + 1) % 7) for i in range(len(where))])
    ordered = reordered(ordered, scores[where], np.concatenate([new, fresh]))
    scores[where] = new
    scores = np.concatenate([scores, fresh])
    np.testing.assert_array_equal(ordered, np.sort(scores))
    rank = 1 + (scores[None, :] > scores[:, None]).sum(1)
    np.testing.assert_allclose(ranked(scores, ordered, 0.5), rank**-2.0)
