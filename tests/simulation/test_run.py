"""The protocol: what is charged, what is measured, and five laws that it must obey."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rlskills.curricula import Base, Batch, Choice, Outcome, Uniform
from rlskills.errors import UserError
from rlskills.simulation import REGIMES, Learner, Oracle, Protocol, Rollouts, Run, make_world

SHORT = Protocol(budget=24_000)
SEEDS = (0, 1, 2)


class Progress(Base):
    """Fast minus slow average of the pass rate, with a floor: a small learning-progress teacher."""

    rows = ("fast", "slow")
    rate = 0.2

    def setup(self) -> None:
        self.fast, self.slow = np.zeros(len(self.units)), np.zeros(len(self.units))

    def weights(self) -> np.ndarray:
        progress = np.abs(self.fast - self.slow)
        return progress / max(float(progress.sum()), 1e-12) + 0.1 / len(progress)

    def learn(self, batch: Batch) -> None:
        for at, mean in zip(batch.where, batch.means, strict=True):
            self.fast[at] += self.rate * (mean - self.fast[at])
            self.slow[at] += self.rate * (self.fast[at] - self.slow[at])


class Gated(Uniform):
    """Uniform without its zero-variance groups."""

    def admit(self, outcome: Outcome) -> bool:
        return not outcome.zero_variance


class Resampled(Gated):
    max_resamples = 3


class Patient(Gated):
    max_resamples = 30


class Sized(Uniform):
    """Uniform with groups of 3 and 5."""

    def sample(self, k: int) -> list[Choice]:
        return [
            replace(choice, rollouts=3 + 2 * (i % 2)) for i, choice in enumerate(super().sample(k))
        ]


def run(name: str, cls: Any, protocol: Protocol = SHORT, seeds: Sequence[int] = SEEDS) -> Run:
    return Run(REGIMES[name], protocol, seeds, cls)


def exact(results: Sequence[Any]) -> list[Any]:
    """Everything but the clock."""
    return [replace(one, microseconds=0.0) for one in results]


# The five laws.


def test_a_zero_variance_gate_changes_nothing_when_updates_are_summed():
    assert exact(run("forgetting", Gated).play()) == exact(run("forgetting", Uniform).play())


def test_progress_of_an_impossible_task_is_at_the_floor():
    one = run("distractors", Progress, replace(SHORT, budget=16_000))
    one.play()
    for world, teacher in zip(one.worlds, one.teachers, strict=True):
        chances = teacher.probabilities()
        zero = [n for n, kind in zip(world.names, world.kinds, strict=True) if kind == 1]
        floor = 0.1 / (1.1 * len(world.names))
        assert all(chances[name] == pytest.approx(floor, rel=1e-9) for name in zero)
        assert max(chances.values()) > 5 * floor


@pytest.mark.parametrize("n", [8, 16])
def test_progress_of_a_coin_is_the_analytic_noise(n: int):
    regime = REGIMES["coin_heavy"]
    learner = Learner(regime, SHORT, [make_world(regime, 0)], [0])
    coin = int(np.flatnonzero(learner.kinds == 2)[0])
    groups = 20_000
    rolled = learner.rollout(np.zeros(groups, dtype=int), np.full(groups, coin), np.full(groups, n))
    means = rolled.rewards.mean(axis=1)
    noise = math.sqrt(2 / math.pi) * math.sqrt(2 * 0.25 / n)
    assert np.abs(np.diff(means)).mean() == pytest.approx(noise, rel=0.03)
    # The same for the gap of a fast and a slow average of rate a, whose newest-first weights on
    # group means are a (1 - a)^j (1 - a (j + 1)).
    teacher = Progress([learner_unit := "coin"])
    gaps = []
    for step, mean in enumerate(means):
        teacher.observe([Outcome(Choice(learner_unit), (float(mean),), step)])
        gaps.append(abs(float(teacher.fast[0] - teacher.slow[0])))
    a, j = teacher.rate, np.arange(200)
    weights = a * (1 - a) ** j * (1 - a * (j + 1))
    floor = math.sqrt(2 / math.pi) * math.sqrt(0.25 / n * (weights**2).sum())
    assert np.mean(gaps[100:]) == pytest.approx(floor, rel=0.03)


@pytest.mark.parametrize("name", sorted(REGIMES))
def test_the_oracle_beats_uniform(name: str):
    best, plain = (run(name, cls, replace(SHORT, budget=32_000), (0, 1)).play()
                   for cls in (Oracle, Uniform))  # fmt: skip
    assert all(a.auc > b.auc for a, b in zip(best, plain, strict=True))
    assert all(one.zero + one.coin + one.done < 1e-9 for one in best)


@pytest.mark.parametrize("name", ["distractors", "forgetting"])
def test_saved_in_the_middle_and_loaded_a_run_ends_the_same(name: str):
    whole = run(name, Progress)
    part = run(name, Progress)
    for _ in range(100):
        part.step()
    state = json.loads(json.dumps(part.state_dict()))
    fresh = run(name, Progress)
    fresh.load_state_dict(state)
    assert exact(fresh.play()) == exact(whole.play())


# The protocol.


def test_results_are_deterministic_and_of_each_seed_alone():
    short = replace(SHORT, budget=16_000)
    together = exact(run("noise", Progress, short, (3, 4, 5)).play())
    assert together == exact(run("noise", Progress, short, (3, 4, 5)).play())
    assert together[1:2] == exact(run("noise", Progress, short, (4,)).play())


def test_methods_are_paired_by_seed():
    one, two = run("chain", Uniform), run("chain", Progress)
    who, tasks = np.zeros(4, dtype=int), np.arange(4)
    first = [each.learner.rollout(who, tasks, np.full(4, 8), tasks) for each in (one, two)]
    np.testing.assert_array_equal(first[0].rewards, first[1].rewards)


@pytest.mark.parametrize(
    ("cls", "low", "high"), [(Uniform, 128, 128), (Gated, 128, 128), (Sized, 64, 64),
                             (Resampled, 129, 128 * 4)]
)  # fmt: skip
def test_every_generated_rollout_is_charged(cls: Any, low: int, high: int):
    one = run("chain", cls)
    for _ in range(10):
        before = one.record.spent.copy()
        one.step()
        spent = one.record.spent - before
        assert (low <= spent).all()
        assert (spent <= high).all()
    assert (one.record.by_kind.sum(axis=1) == one.record.spent).all()


def test_a_refilled_batch_holds_live_groups_only_and_as_many_as_asked(
    monkeypatch: pytest.MonkeyPatch,
):
    one = run("chain", Patient, replace(SHORT, budget=100_000))
    admitted: list[Sequence[Rollouts]] = []
    update = one.learner.update

    def watched(groups: Sequence[Rollouts], *rest: Any) -> None:
        admitted.append(groups)
        update(groups, *rest)

    monkeypatch.setattr(one.learner, "update", watched)
    while not one.done:
        one.step()
    full = 0
    for step in admitted:
        rewards = np.concatenate([groups.rewards.mean(axis=1) for groups in step])
        assert ((rewards > 0) & (rewards < 1)).all()
        counts = np.bincount(np.concatenate([groups.who for groups in step]), minlength=3)
        assert (counts <= 16).all()
        full += int((counts == 16).sum())
    assert full > 10


def test_a_run_goes_on_for_a_fixed_tail_after_mastery_and_no_further():
    protocol = Protocol(rate=0.4, tail=6_400, budget=200_000)
    for one in run("chain", Uniform, protocol).play():
        assert one.mastery is not None
        assert 6_400 <= one.spent - one.mastery < 6_400 + 2 * 128
        assert one.retention is not None
        assert one.retention > 0.9
        assert one.tail > 0.9
        assert one.curve[-1] > 0.9
        assert one.auc == pytest.approx(np.mean(one.curve), abs=1e-4)


def test_an_unsolved_run_spends_its_budget_and_has_no_mastery():
    for one in run("frontier_heavy", Uniform, replace(SHORT, budget=6_400)).play():
        assert (one.mastery, one.retention) == (None, None)
        assert 6_400 <= one.spent < 6_400 + 128
        assert one.worst_skill < 0.9


def test_shares_by_kind_are_those_of_the_pool_under_uniform():
    for one in run("distractors", Uniform).play():
        for found, count in ((one.zero, 60), (one.coin, 12), (one.done, 12)):
            assert found == pytest.approx(count / 150, abs=0.02)


class Lost(Uniform):
    def sample(self, k: int) -> list[Choice]:
        return [Choice("nowhere")] * k


class Empty(Uniform):
    def sample(self, k: int) -> list[Choice]:
        return [replace(choice, rollouts=0) for choice in super().sample(k)]


class Needy(Uniform):
    needs = frozenset({"features"})


@pytest.mark.parametrize(
    ("cls", "says"),
    [
        (Lost, "chose 'nowhere', which is no unit"),
        (Empty, "a group of 0 rollouts"),
        (Needy, "needs features, which a simulated learner does not have"),
    ],
)
def test_a_curriculum_out_of_line_is_one_clear_error(cls: Any, says: str):
    with pytest.raises(UserError, match=says):
        run("chain", cls).step()
