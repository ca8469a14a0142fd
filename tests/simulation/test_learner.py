"""The vectorised learner does what a plain loop does, and its numbers are the theory's."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.errors import UnknownName
from rlskills.simulation import REGIMES, Learner, Protocol, Regime, advantages, make_world
from rlskills.simulation.learner import ADVANTAGES, Rollouts

SMALL = Regime("small", "", tasks=(3, 4, 3), zero=2, coin=2, done=2)
PROTOCOL = Protocol()


def learner(
    regime: Regime = SMALL, seeds: tuple[int, ...] = (0, 1, 2), **changes: object
) -> Learner:
    worlds = [make_world(regime, seed) for seed in seeds]
    return Learner(regime, replace(PROTOCOL, **changes), worlds, seeds)  # type: ignore[arg-type]


def groups(one: Learner, generator: np.random.Generator, k: int) -> Rollouts:
    """`k` random groups of 2 to 8 rollouts for every seed."""
    who = np.repeat(np.arange(len(one.parts)), k)
    tasks = generator.integers(one.parts.shape[1], size=len(who))
    return one.rollout(who, tasks, generator.integers(2, 9, size=len(who)))


def plain_update(one: Learner, rolled: list[Rollouts], spent: list[int]) -> np.ndarray:
    """θ after a step, worked out group by group and part by part."""
    theta = one.theta.copy()
    change = np.zeros_like(theta)
    for batch in rolled:
        for g in range(len(batch.who)):
            row, size = batch.who[g], int(batch.sizes[g])
            rewards = batch.rewards[g, :size]
            if rewards.std() == 0:
                continue
            for i in range(size):
                advantage = (rewards[i] - rewards.mean()) / rewards.std()
                for k, part in enumerate(one.parts[row, batch.tasks[g]]):
                    logit = one.theta[row, part] + one.offsets[row, batch.tasks[g], k]
                    score = float(batch.parts[g, i, k]) - 1 / (1 + math.exp(-logit))
                    if part < one.learning:
                        change[row, part] += advantage * score / one.protocol.group_size
    for row in range(len(theta)):
        for part in range(one.learning):
            start = one.start[row, part]
            if abs(change[row, part]) < 1e-9:
                keep = (1 - one.regime.forgetting) ** (spent[row] / 64)
                theta[row, part] = start + (theta[row, part] - start) * keep
            moved = theta[row, part] + one.protocol.rate * change[row, part]
            theta[row, part] = min(max(moved, -one.protocol.clip), one.protocol.clip)
    return theta


@pytest.mark.parametrize("forgetting", [0.0, 0.05])
def test_vectorised_update_is_the_plain_loop(forgetting: float):
    one = learner(replace(SMALL, forgetting=forgetting), rate=2.0)
    generator = np.random.default_rng(0)
    for _ in range(30):
        rolled = [groups(one, generator, 4), groups(one, generator, 2)]
        spent = [int(sum(r.sizes[r.who == row].sum() for r in rolled)) for row in range(3)]
        expected = plain_update(one, rolled, spent)
        one.update(rolled, np.arange(3), np.array(spent))
        np.testing.assert_allclose(one.theta, expected, rtol=0, atol=1e-12)
    assert np.abs(one.theta[:, : one.learning] - one.start).max() > 3


def test_rollouts_succeed_where_all_parts_do_and_as_often_as_true_rates_say():
    one = learner()
    rates = one.true_rates(np.arange(3))
    for task in range(one.parts.shape[1]):
        n = 4000
        rolled = one.rollout(np.array([1]), np.array([task]), np.array([n]))
        assert (rolled.rewards[0] == rolled.parts[0].all(axis=1)).all()
        error = 4 * math.sqrt(max(rates[1, task] * (1 - rates[1, task]), 1 / n) / n)
        assert rolled.rewards.mean() == pytest.approx(rates[1, task], abs=error)
    by_kind = [rates[:, one.kinds == kind] for kind in (1, 2, 3)]
    assert [set(kind.ravel().round(12)) for kind in by_kind] == [{0.0}, {0.5}, {0.99}]


def test_verifier_errs_as_often_as_told():
    one = learner(replace(SMALL, false_positive=0.1, false_negative=0.2))
    kinds = {kind: int(np.flatnonzero(one.kinds == kind)[0]) for kind in (1, 3)}
    for kind, wanted in ((1, 0.1), (3, 0.99 * 0.8 + 0.01 * 0.1)):
        rolled = one.rollout(np.array([0]), np.array([kinds[kind]]), np.array([20_000]))
        assert rolled.rewards.mean() == pytest.approx(wanted, abs=0.012)


def test_one_seed_does_not_depend_on_the_others():
    def course(seeds: tuple[int, ...], row: int) -> list[np.ndarray]:
        one = learner(seeds=seeds)
        found = []
        for _ in range(20):
            who = np.repeat(np.arange(len(seeds)), 3)
            tasks = np.tile(np.array([0, 4, 11]), len(seeds))
            # The others draw larger groups; this one's sizes are its own.
            sizes = np.where(who == row, 5, 8)
            rolled = one.rollout(who, tasks, sizes)
            one.update([rolled], np.arange(len(seeds)), np.full(len(seeds), 15))
            found.append(one.theta[row].copy())
        return found

    np.testing.assert_array_equal(course((7,), 0), course((3, 7, 9), 1))


def test_mean_absolute_advantage_is_exact():
    n = 8
    rewards = np.array([[1.0] * k + [0.0] * (n - k) for k in range(n + 1)])
    found = np.abs(advantages(rewards, np.full(n + 1, n))).mean(axis=1)
    exact = [2 * math.sqrt(k * (n - k)) / n for k in range(n + 1)]
    np.testing.assert_allclose(found, exact, atol=1e-12)


@pytest.mark.parametrize(("p", "expected"), [(0.02, 0.10), (0.1, 0.42), (0.3, 0.82), (0.5, 0.93)])
def test_mean_absolute_advantage_by_monte_carlo(p: float, expected: float):
    rewards = (np.random.default_rng(1).random((40_000, 8)) < p).astype(float)
    found = np.abs(advantages(rewards, np.full(len(rewards), 8))).mean()
    assert found == pytest.approx(expected, abs=0.01)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1, width=16), min_size=2, max_size=9),
    st.integers(0, 3),
    st.sampled_from(sorted(ADVANTAGES)),
)
def test_advantages_sum_to_zero_and_filler_has_none(rewards: list[float], more: int, kind: str):
    padded = np.array([rewards + [0.0] * more])
    found = advantages(padded, np.array([len(rewards)]), kind)[0]
    assert abs(found.sum()) < 1e-6
    assert (found[len(rewards) :] == 0).all()
    if len(set(rewards)) == 1:
        np.testing.assert_allclose(found, 0, atol=1e-6)


def test_unknown_advantage_is_one_clear_line():
    with pytest.raises(UnknownName, match=r"unknown advantage 'sdt'.*did you mean 'std'"):
        advantages(np.zeros((1, 2)), np.array([2]), "sdt")


def test_what_is_not_practised_fades_and_what_is_does_not():
    one = learner(replace(SMALL, forgetting=0.01))
    one.theta[:, : one.learning] = one.start + 2.0
    one.update([], np.array([0, 2]), np.array([64, 640]))
    gain = one.theta[:, : one.learning] - one.start
    np.testing.assert_allclose(gain[0], 2 * 0.99)
    np.testing.assert_allclose(gain[1], 2.0)
    np.testing.assert_allclose(gain[2], 2 * 0.99**10)


def test_a_plateau_hides_progress_and_then_lets_it_through():
    one = learner(REGIMES["plateau_jump"], (0,))
    shown = []
    gains = np.linspace(-1, 6, 141)
    for gain in gains:
        one.theta[:, : one.learning] = one.start + gain
        shown.append(one.logits()[0, 0] - one.start[0, 0])
    width = one.plateaus[0, 0]
    assert 1.0 <= width <= 3.0
    found = np.array(shown)
    assert (np.diff(found) >= -1e-12).all()
    flat = (gains > 0) & (gains < width)
    np.testing.assert_allclose(found[flat], 0.1 * gains[flat])
    past = (gains <= 0) | (gains > 1.5 * width)
    np.testing.assert_allclose(found[past], gains[past])


def test_state_continues_the_same_course():
    one, two = learner(), learner()
    generator = np.random.default_rng(5)
    one.update([groups(one, generator, 8)], np.arange(3), np.full(3, 64))
    two.load_state_dict(one.state_dict())
    again = [groups(each, np.random.default_rng(6), 8) for each in (one, two)]
    np.testing.assert_array_equal(again[0].parts, again[1].parts)
