"""Methods that follow the pass rate, on examples done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rlskills.curricula import Outcome
from rlskills.curricula.methods.vcrl import variance
from rlskills.errors import UserError

from .life import curriculum, groups, near


def test_sec_by_level():
    teacher = curriculum("sec?rate=0.5&temperature=0.5")
    teacher.observe(groups(("a", 0.5), ("b", 1.0), ("c", 0.25)))
    quality = np.array([0.5 * 0.5, 0.5 * 2 * math.sqrt(3) / 4, 0])  # level 1: mean of 1 and 0
    np.testing.assert_allclose(teacher.quality.value, quality)
    arms = np.exp(quality / 0.5) / np.exp(quality / 0.5).sum()
    near(teacher, [arms[0] / 2, arms[0] / 2, arms[1], arms[2]])


def test_dump_bounds():
    teacher = curriculum("dump?discount=0.5&temperature=1&arms=unit", ["a", "b"])
    teacher.observe(groups(("a", 0.5), ("a", 1.0)))
    teacher.observe(groups(("b", 0.5)))
    assert teacher.counts.number.tolist() == [1.0, 1.0]
    bounds = np.array([0.5 / 1.0, 1.0]) + math.sqrt(2 * math.log(3) / 2)
    np.testing.assert_allclose(teacher.bounds(), bounds)
    near(teacher, np.exp(bounds) / np.exp(bounds).sum())


def test_mopps_takes_what_is_near_the_target():
    teacher = curriculum("mopps?decay=1", ["half", "hard", "easy"])
    for _ in range(40):
        teacher.observe(groups(("half", 0.5), ("hard", 0.0), ("easy", 1.0), size=8))
    assert (teacher.posterior.good[1], teacher.posterior.bad[1]) == (1, 321)
    assert [choice.unit for choice in teacher.sample(1)] == ["half"]
    near(teacher, [1, 0, 0])
    other = curriculum("mopps?decay=1&target=0.99", ["half", "hard", "easy"])
    other.load_state_dict(teacher.state_dict() | {"options": other.about()["options"]})
    assert [choice.unit for choice in other.sample(1)] == ["easy"]


def test_bots_fades_everywhere():
    teacher = curriculum("bots?decay=0.5", ["a", "b"])
    teacher.observe(groups(("a", 0.75)))
    assert (teacher.posterior.good.tolist(), teacher.posterior.bad.tolist()) == ([4, 1], [2, 1])
    teacher.observe(groups(("b", 0.0)))
    assert (teacher.posterior.good.tolist(), teacher.posterior.bad.tolist()) == ([2.5, 1], [1.5, 5])


def test_bots_learns_from_reference_models():
    weak, strong = {"a": 0.0, "b": 0.2}, {"a": 1.0, "b": 0.6}
    teacher = curriculum(
        "bots", ["a", "b"], decay=0.5, share=0.2, pseudo=10, weak=weak, strong=strong
    )
    assert teacher.information == "reference pass rates"
    teacher.observe(groups(("a", 0.5)))
    assert teacher.standing == pytest.approx(0.1 * 0.5)
    assert teacher.miss == pytest.approx(0.1 * 0.5)
    expected = 0.2 + 0.05 * 0.4  # of b
    np.testing.assert_allclose(teacher.posterior.good, [1 + 0.8 * 2 + 2 * 0.05, 1 + 2 * expected])
    np.testing.assert_allclose(
        teacher.posterior.bad, [1 + 0.8 * 2 + 2 * 0.95, 1 + 2 * (1 - expected)]
    )
    with pytest.raises(UserError, match="both"):
        curriculum("bots", ["a", "b"], weak=weak)
    with pytest.raises(UserError, match="no reference pass rate for unit 'b'"):
        curriculum("bots", ["a", "b"], weak={"a": 0.1}, strong=strong)


def test_plr_by_rank_and_age():
    teacher = curriculum("plr?beta=1&rho=0.5")
    near(teacher, [0.25] * 4)
    teacher.step = 3
    teacher.last[:] = [3, 1, 0, 0]
    teacher.observe(groups(("a", 0.5), ("b", 1.0)))  # scores 1 and 0, c and d never seen
    replay = 0.5 * np.array([2 / 3, 1 / 3]) + 0.5 * np.array([0, 1])
    near(teacher, [*(0.5 * replay), 0.25, 0.25])


def test_plr_notes_when_a_unit_is_drawn():
    teacher = curriculum("plr")
    teacher.sample(3)
    drawn = {choice.unit for choice in teacher.sample(2)}
    assert {unit for unit in teacher.units if teacher.last[teacher.index[unit]] == 2} == drawn


def test_vcrl_variance_and_memory():
    assert variance((1.0, 0.0, 1.0, 0.0)) == pytest.approx(1)
    assert variance((1.0, 0.0, 0.0)) == pytest.approx(1)  # as even as an odd group can be
    assert variance((1.0, 0.0, 0.0, 0.0)) == pytest.approx(0.75)
    assert variance((1.0, 1.0)) == variance((1.0,)) == 0
    teacher = curriculum("vcrl?warmup=1", ["a", "b", "c"])
    late = groups(("a", 0.5), ("b", 0.25), step=2)
    assert [teacher.admit(outcome) for outcome in late] == [True, False]
    assert all(teacher.admit(outcome) for outcome in groups(("a", 0.5), ("b", 0.25), step=1))
    teacher.observe(late)
    assert teacher.priority == pytest.approx([1, 0, 0])


def test_vcrl_replaces_what_it_refused_from_its_memory_within_the_step():
    teacher = curriculum("vcrl?warmup=0", ["a", "b", "c"])
    assert teacher.max_resamples == 1
    teacher.observe(groups(("a", 0.5), ("b", 0.0)))
    near(teacher, [1, 0, 0])
    replayed = teacher.sample(2)
    assert {(choice.unit, choice.tag) for choice in replayed} == {("a", "memory")}
    mixed, alike = (Outcome(replayed[0], rates, 1) for rates in ((1.0, 0, 0, 0), (0.0,) * 4))
    assert [teacher.admit(group) for group in (mixed, alike)] == [True, False]
    teacher.observe([mixed, alike])
    assert teacher.priority == pytest.approx([0.9 + 0.1 * 0.375, 0, 0])
    # A refilled batch is not refilled again: the next step begins with fresh units.
    near(teacher, [1 / 3] * 3)
    assert {choice.tag for choice in teacher.sample(4)} == {""}
    teacher.observe(groups(("b", 0.5), ("c", 0.5)))
    near(teacher, [1 / 3] * 3)  # nothing was refused


def test_vcrl_without_a_memory_refills_with_fresh_units():
    teacher = curriculum("vcrl", ["a", "b"])
    teacher.observe(groups(("a", 0.0), ("b", 1.0)))
    near(teacher, [0.5, 0.5])
    assert {choice.tag for choice in teacher.sample(4)} == {""}


def test_cdas_difficulty_and_competence():
    teacher = curriculum("cdas", ["a", "b"])
    teacher.observe(groups(("a", 1.0)))
    difficulty = 0.5 * 0 + 0.5 * (0.5 - 1)  # the start counts as one visit
    assert teacher.difficulty.tolist() == [difficulty, 0]
    assert teacher.competence == pytest.approx(0.25 / 2)
    assert teacher.sample(1)[0].unit == "b"  # never seen
    teacher.observe(groups(("a", 0.0)))
    expected = 1 / (1 + math.exp(difficulty - 0.125))
    assert teacher.difficulty[0] == pytest.approx(2 / 3 * difficulty + expected / 3)


def test_cdas_takes_both_sides():
    teacher = curriculum("cdas", [f"u{i}" for i in range(6)])
    teacher.visits[:] = 1
    teacher.difficulty[:] = [-3, -2, -1, 1, 2, 3]
    assert {choice.unit for choice in teacher.sample(4)} == {"u1", "u2", "u3", "u4"}
    teacher.competence = 2.5
    assert {choice.unit for choice in teacher.sample(4)} == {"u5", "u4", "u3", "u2"}


def test_what_posteriors_are_worth():
    half = curriculum("learnability_thompson", ["a"]).learnability(np.array([0.0, 0.5, 0.9]))
    np.testing.assert_allclose(half, [0, 0.25, 0.09])
    worth = curriculum("pass_at_n_thompson?samples=2", ["a"]).learnability(np.array([0.0, 0.5, 1]))
    np.testing.assert_allclose(worth, [0, 0.25, 0])
    p = np.linspace(0, 1, 2001)
    many = curriculum("pass_at_n_thompson?samples=32", ["a"]).learnability(p)
    assert p[many.argmax()] == pytest.approx(math.log(32) / 32, abs=0.01)


def test_learnability_is_drawn_in_proportion():
    teacher = curriculum("learnability_thompson?decay=1&epsilon=0.01", ["half", "tenth", "done"])
    for _ in range(60):
        teacher.observe(groups(("half", 0.5), ("tenth", 0.1), ("done", 1.0), size=10))
    teacher.simulations = 3000
    chances = teacher.probabilities()
    assert chances["half"] / chances["tenth"] == pytest.approx(0.25 / 0.09, rel=0.25)
    assert chances["done"] < 0.05
