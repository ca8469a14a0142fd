"""The guess rate: estimated where there is guessing, and not mistaken for ability."""

from __future__ import annotations

import numpy as np
import pytest

from rlskills.curricula.methods.bidirectional_lp import BidirectionalLP
from rlskills.curricula.signals.guess_rate import GuessRate

from .life import curriculum, groups

SIZE = 8


def practise(estimate: GuessRate, rates: np.ndarray, rounds: int, seed: int = 0) -> float:
    """Every unit gets a group per round; returns the estimate."""
    generator, at = np.random.default_rng(seed), np.arange(len(rates))
    for _ in range(rounds):
        mean = generator.binomial(SIZE, rates) / SIZE
        estimate.update(at, mean, np.full(len(rates), float(SIZE)), len(rates))
    return estimate.level


def pool(number: int) -> GuessRate:
    return GuessRate([f"u{i}" for i in range(number)])


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.4])
def test_a_shared_rate_is_found(rate: float):
    rates = np.concatenate([np.full(40, rate), np.linspace(0.6, 0.95, 20)])
    found = np.array([practise(pool(60), rates, 8, seed) for seed in range(20)])
    known = found[found < 1]
    assert len(known) >= 15  # where chance made rates unlike, a later batch decides
    assert np.mean(known) == pytest.approx(rate, abs=0.03)
    assert np.abs(known - rate).max() < 0.08


def test_it_is_0_under_an_exact_verifier():
    rates = np.concatenate([np.zeros(40), np.full(20, 0.5)])
    assert practise(pool(60), rates, 4) == 0.0


def test_it_stays_0_when_all_is_learned():
    estimate = pool(40)
    practise(estimate, np.zeros(40), 4)
    assert practise(estimate, np.full(40, 0.9), 30) == 0.0


def test_it_keeps_the_least_while_units_are_learned():
    estimate = pool(40)
    early = practise(estimate, np.full(40, 0.1), 6)
    late = practise(estimate, np.full(40, 0.9), 30, seed=1)
    assert 0 < late <= early < 0.15


def test_partial_ability_is_not_guessing():
    for seed in range(20):
        rates = np.random.default_rng(seed).uniform(0.05, 0.95, 60)
        assert practise(pool(60), rates, 10, seed) == 1.0


@pytest.mark.parametrize("number", [1, 2, 15])
def test_few_units_show_nothing(number: int):
    assert practise(pool(number), np.full(number, 0.1), 50) == 1.0


def test_units_that_were_never_tried_might_be_worse():
    estimate = pool(60)
    at = np.arange(25)
    for _ in range(20):
        estimate.update(at, np.full(25, 0.125), np.full(25, 8.0), 25)
    assert estimate.level == 1.0


def test_the_default_goes_by_what_is_left_to_learn_under_guessing():
    teacher = curriculum("bidirectional_lp")
    teacher.progress.fast[:] = [0.1, 0.5, 0.7, 1.0]
    teacher.progress.gap[:] = [4, 3, 2, 1]
    assert teacher.wanted().tolist() == [4, 2.25, 1, 0.25]
    teacher.guess_rate.level = 0.1
    np.testing.assert_allclose(teacher.wanted(), [0, 0.25, 0.75 * 0.25, 0], atol=1e-12)
    teacher.stagnation.mean[3] = 1.0  # mastery is higher than the guess rate alone suggests
    np.testing.assert_allclose(teacher.wanted(), [0, 0.4 / 0.9 * 0.5 / 0.9, 2 / 9, 0], atol=1e-12)
    teacher.guess_rate.level = 0.04
    assert teacher.wanted().tolist() == [4, 2.25, 1, 0.25]
    teacher.guess_rate.level = 0.5
    assert teacher.wanted().tolist() == [4, 2.25, 1, 0.25]


@pytest.mark.parametrize("baseline", [0, 0.25])
def test_a_known_rate_of_guessing_is_no_noise(baseline: float):
    units = [f"u{i}" for i in range(40)]
    teacher = BidirectionalLP(units, baseline=baseline)
    generator = np.random.default_rng(0)
    for step in range(6):
        passed = generator.binomial(SIZE, 0.25, 40) / SIZE
        teacher.observe(groups(*zip(units, passed, strict=True), step=step, size=SIZE))
    assert teacher.guess_rate.level == pytest.approx(0.25, abs=0.06)
    gap = teacher.progress.gap
    by_progress = np.array_equal(teacher.wanted(), gap * gap / gap.max())
    assert by_progress == (baseline > 0)
