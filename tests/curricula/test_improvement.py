"""Improvement: what learns moves far, what cannot be learned stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.curricula.signals.improvement import Improvement

from .life import curriculum, groups


def practise(improvement: Improvement, rates: np.ndarray, size: int = 8, seed: int = 0) -> None:
    """A group per round of each unit, at the pass rates of shape (rounds, units)."""
    generator, at = np.random.default_rng(seed), np.arange(rates.shape[1])
    for chances in rates:
        improvement.update(at, generator.binomial(size, chances) / size, np.ones(len(at)))


def test_coins_impossible_and_mastered_units_stay():
    improvement = Improvement([f"u{i}" for i in range(40)])
    still = np.repeat([0.5, 0.0, 0.99, 0.3], 10)
    practise(improvement, np.tile(still, (3000, 1)))
    assert improvement.width.max() < 0.45


def test_what_is_learned_rises_and_what_is_forgotten_has_risen():
    improvement = Improvement(["learns", "forgets"])
    up = np.linspace(0, 0.9, 60)
    practise(improvement, np.stack([up, up[::-1]], axis=1))
    assert (improvement.width > 0.5).all()


def test_a_few_groups_say_nothing():
    improvement = Improvement(["a"], least=10)
    for mean in (0.0, 1.0) * 4:
        improvement.update(np.array([0]), np.array([mean]), np.ones(1))
    assert improvement.width[0] == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_first_groups_count_alike(means: list[float]):
    improvement = Improvement(["a"], rate=0.1)
    for mean in means[:10]:
        improvement.update(np.array([0]), np.array([mean]), np.ones(1))
    assert improvement.mean[0] == pytest.approx(np.mean(means[:10]))
    assert 0 <= improvement.width[0] <= 1


def test_the_default_finishes_what_rose_when_nothing_moves():
    teacher = curriculum("bidirectional_lp?floor=1e-9&window=20", ["coin", "rose", "done"])
    flips = np.random.default_rng(0).integers(0, 9, 400) / 8
    for step, flip in enumerate(flips):
        rose = min(step / 60, 0.75)
        teacher.observe(groups(("coin", flip), ("rose", rose), ("done", 1.0), step=step, size=8))
    teacher.progress.gap[:] = 0
    teacher.invalidate()
    assert teacher.probabilities()["rose"] == pytest.approx(1)
