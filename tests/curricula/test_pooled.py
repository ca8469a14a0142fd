"""Progress pooled over levels, and what tells it when single units can be trusted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.curricula import Choice, Outcome, Pool
from rlskills.curricula.batch import Batch
from rlskills.curricula.methods.pooled_progress import PooledProgress
from rlskills.curricula.pickers import softmax
from rlskills.curricula.signals.agreement import Agreement

from .life import LEVELS, curriculum, groups, live


def batch(*outcomes: tuple[str, tuple[float, ...]]) -> Batch:
    made = [Outcome(Choice(unit), rates, 1) for unit, rates in outcomes]
    return Batch(made, {"a": 0, "b": 1})


# Agreement.


def test_agreement_by_hand():
    signal = Agreement(["a", "b"])
    assert signal.correlation == 0.5  # to begin with, as two pairs at 1/2 would show it
    signal.update(batch(("a", (1.0, 1.0, 0.0, 0.0)), ("b", (1.0, 1.0))))
    assert signal.correlation == 0.5  # no pair of one unit yet
    signal.update(batch(("a", (1.0, 1.0, 1.0, 1.0))))
    # v = .25, w = 0, x - y = .5: within .125 * 4 / 3, of all .125 + .125
    assert signal.correlation == pytest.approx(1 - (0.25 + 0.125 * 4 / 3) / (0.5 + 0.25))
    assert signal.groups == 3


def test_one_answer_makes_no_pair():
    signal = Agreement(["a", "b"])
    for _ in range(5):
        signal.update(batch(("a", (1.0,)), ("a", (0.0,))))
    assert signal.correlation == 0.5
    assert signal.groups == 10


@settings(max_examples=8, deadline=None)
@given(rho=st.sampled_from([0.0, 0.3, 0.6, 0.9]), parts=st.booleans(), seed=st.integers(0, 9))
def test_agreement_finds_the_correlation_of_answers(rho: float, parts: bool, seed: int):
    """Chances of problems are Beta(c/2, c/2) with rho = 1 / (1 + c); also of half credits."""
    rng = np.random.default_rng(seed)
    signal = Agreement(["a", "b"])
    for _ in range(1500):
        half = (1 / rho - 1) / 2 if rho else 0
        chance = rng.beta(half, half) if rho else 0.5
        right = (rng.random(8) < chance).astype(float)
        rates = 0.25 + right / 2 if parts else right  # linear, so that rho is the same
        signal.update(batch(("a", tuple(rates.tolist()))))
    assert signal.correlation == pytest.approx(rho, abs=0.06)
    assert signal.worth == pytest.approx(1 / (1 + 7 * signal.correlation))


# Pooled progress.


def test_without_levels_it_is_the_default():
    for pool in (Pool(LEVELS.units), Pool(LEVELS.units, levels=dict.fromkeys(LEVELS.units, 3))):
        mine, default = curriculum("pooled_progress", pool), curriculum("bidirectional_lp", pool)
        assert mine.information == "none"
        events = [(6, 3), (4, 8), (5, 21), (8, 34)]
        assert live(mine, events, []) == live(default, events, [])
        assert mine.probabilities() == default.probabilities()


def test_units_without_a_level_are_a_level_of_their_own():
    teacher = curriculum("pooled_progress", Pool(("a", "b", "c"), levels={"a": 2, "b": 1}))
    assert teacher.level_names == ("1", "2", "none")
    assert teacher.level_of.tolist() == [1, 0, 2]
    assert teacher.information == "level labels"


def test_before_anything_is_known_levels_are_alike():
    teacher: PooledProgress = curriculum("pooled_progress")  # two units at level 1
    chances = list(teacher.probabilities().values())
    assert chances == pytest.approx([1 / 6, 1 / 6, 1 / 3, 1 / 3])
    assert teacher.trust == 0


def test_a_level_is_paid_as_if_its_units_were_drawn_alike():
    """A coin that is drawn nine times as often as its neighbour does not make the level better."""
    teacher: PooledProgress = curriculum("pooled_progress?sample=0.001")
    teacher.chance[:] = [0.9, 0.1, 0.5, 0.5]
    teacher.observe(groups(*[("a", 0.5)] * 9, ("b", 0.0), ("c", 0.5)))
    # Level 1: nine groups that pay 1 at weight 1 / .9, one that pays 0 at weight 1 / .1
    assert teacher.quality.value.tolist() == pytest.approx([0.3 * 0.5, 0.3, 0.0])


def test_few_groups_move_a_level_less():
    teacher: PooledProgress = curriculum("pooled_progress?sample=4")
    teacher.chance[:] = [0.25, 0.25, 0.5, 0.5]
    teacher.observe(groups(("a", 0.5), ("b", 0.5), ("c", 0.5)))
    rate = [1 - 0.7 ** (2 / 4), 1 - 0.7 ** (1 / 4), 0.0]
    assert teacher.quality.value.tolist() == pytest.approx(rate)
    inside = teacher.unit_probabilities()
    levels = np.bincount(teacher.level_of, inside)
    assert levels == pytest.approx(softmax(teacher.quality.value, 0.1))


def test_it_trusts_units_where_answers_are_independent_and_groups_many():
    rng = np.random.default_rng(0)
    trusts = []
    for together in (False, True):
        teacher: PooledProgress = curriculum("pooled_progress")
        for step in range(200):
            chosen = teacher.sample(4)
            right = [rng.random(8) < (rng.random() < 0.5 if together else 0.5) for _ in chosen]
            teacher.observe(
                [
                    Outcome(c, tuple(r.astype(float)), step)
                    for c, r in zip(chosen, right, strict=True)
                ]
            )
        trusts.append(teacher.trust)
    assert trusts[0] > 0.9  # N / (N + need) is 200 / 210
    assert trusts[1] == 0
    assert set(teacher.own_metrics()) >= {"trust", "answer_correlation"}
