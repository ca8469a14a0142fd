"""Regimes fitted to training runs: what they share with those runs, and their laws."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

from rlskills.curricula import Uniform, make
from rlskills.simulation import TRAINED, Run
from rlskills.simulation.trained import TRAINED_PROTOCOL, ranks

SEEDS = (0, 1)


def run(cls: Any = Uniform, name: str = "few_groups") -> Run:
    return Run(TRAINED[name], TRAINED_PROTOCOL, SEEDS, cls)


def test_most_groups_of_uniform_are_without_variance_as_in_training():
    results = run().play()
    for one in results:
        assert 0.75 < one.zero_variance < 0.88  # training runs: .80
        assert one.zero == pytest.approx(32 / 176, abs=0.02)
        assert one.spent == TRAINED_PROTOCOL.budget
        assert one.curve[-1] > one.curve[0] + 0.2


def test_answers_to_a_problem_agree_and_follow_the_units_rate():
    learner = run().learner
    coin = int(np.flatnonzero(learner.kinds == 2)[0])
    groups = 4000
    rolled = learner.rollout(
        np.zeros(groups, dtype=int), np.full(groups, coin), np.full(groups, 8), np.arange(groups)
    )
    means = rolled.rewards.mean(axis=1)
    assert means.mean() == pytest.approx(0.5, abs=0.03)
    # Variance of a mean of n answers at p = 1/2: (1 + (n - 1) rho) / 4 n, rho = 1 / 1.6
    assert means.var() == pytest.approx((1 + 7 / 1.6) / 32, rel=0.06)


def test_a_problem_keeps_its_rank():
    learner = run().learner
    who, at = np.zeros(64, dtype=int), np.full(64, 3)
    one, two = (
        learner.rollout(who, at, np.full(64, 400), np.arange(64)).rewards.mean(axis=1)
        for _ in range(2)
    )
    assert np.corrcoef(one, two)[0, 1] > 0.98
    other = learner.rollout(who, at, np.full(64, 400), np.arange(64, 128)).rewards.mean(axis=1)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.4


def test_ranks_are_uniform_and_each_part_counts():
    many = np.arange(20_000)
    zero = np.zeros(len(many), dtype=np.int64)
    for parts in ((zero, zero, many), (zero, many, zero), (many, zero, zero)):
        assert stats.kstest(ranks(*parts), "uniform").pvalue > 0.001
    assert 0 < ranks(zero, zero, many).min() < ranks(zero, zero, many).max() < 1


def test_coins_take_away_from_what_teaches():
    """The step has a length of its own: with live coins beside it a group moves its unit less."""
    gains = []
    for coins in (0, 12):
        learner = run().learner
        before = learner.true_rates(np.arange(2), 48)[0, 3]
        coin = np.flatnonzero(learner.kinds == 2)[:coins]
        tasks = np.concatenate([[3], coin])
        rolled = learner.rollout(
            np.zeros(len(tasks), dtype=int), tasks, np.full(len(tasks), 8), np.arange(len(tasks))
        )
        rolled.rewards[:] = [1, 0] * 4
        learner.update([rolled], np.array([0]), np.zeros(2, dtype=np.int64))
        gains.append(learner.true_rates(np.arange(2), 48)[0, 3] - before)
    assert 0 < gains[1] < 0.5 * gains[0]


def test_distractors_are_known_by_their_labels_or_hidden():
    for name, hidden in (("few_groups", False), ("few_groups_hidden", True)):
        pool = run(name=name).worlds[0].pool
        coins = {pool.levels[unit] for unit in pool.units if unit.startswith("coin")}
        assert coins == (set(range(1, 6)) if hidden else {1})
        assert len(pool.units) == 176
    assert len(run(name="few_groups_open").worlds[0].pool.units) == 80


def test_a_run_goes_on_from_its_state():
    def build(pool, seed):
        return make("replay?inner=pooled_progress", pool, seed)

    one = run(build)
    for _ in range(12):
        one.step()
    two = run(build)
    two.load_state_dict(json.loads(json.dumps(one.state_dict())))
    for _ in range(12):
        one.step()
        two.step()
    assert json.dumps(one.state_dict()["learner"]) == json.dumps(two.state_dict()["learner"])
    assert one.state_dict()["teachers"] == two.state_dict()["teachers"]
    assert one.state_dict()["given"] == two.state_dict()["given"]
