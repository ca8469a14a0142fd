"""Methods that follow the pass rate, on examples done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rlskills.curricula.methods.vcrl import variance
from rlskills.errors import UserError

from .life import curriculum, groups, near


def test_sec_by_level():
    one = curriculum("sec?rate=0.5&temperature=0.5")
    one.observe(groups(("a", 0.5), ("b", 1.0), ("c", 0.25)))
    quality = np.array([0.5 * 0.5, 0.5 * 2 * math.sqrt(3) / 4, 0])  # level 1: mean of 1 and 0
    np.testing.assert_allclose(one.quality.value, quality)
    arms = np.exp(quality / 0.5) / np.exp(quality / 0.5).sum()
    near(one, [arms[0] / 2, arms[0] / 2, arms[1], arms[2]])


def test_dump_bounds():
    one = curriculum("dump?discount=0.5&temperature=1&arms=unit", ["a", "b"])
    one.observe(groups(("a", 0.5), ("a", 1.0)))
    one.observe(groups(("b", 0.5)))
    assert one.counts.number.tolist() == [1.0, 1.0]
    bounds = np.array([0.5 / 1.0, 1.0]) + math.sqrt(2 * math.log(3) / 2)
    np.testing.assert_allclose(one.bounds(), bounds)
    near(one, np.exp(bounds) / np.exp(bounds).sum())


def test_mopps_takes_what_is_near_the_target():
    one = curriculum("mopps?decay=1", ["half", "hard", "easy"])
    for _ in range(40):
        one.observe(groups(("half", 0.5), ("hard", 0.0), ("easy", 1.0), size=8))
    assert (one.posterior.good[1], one.posterior.bad[1]) == (1, 321)
    assert [choice.unit for choice in one.sample(1)] == ["half"]
    near(one, [1, 0, 0])
    other = curriculum("mopps?decay=1&target=0.99", ["half", "hard", "easy"])
    other.load_state_dict(one.state_dict() | {"options": other.about()["options"]})
    assert [choice.unit for choice in other.sample(1)] == ["easy"]


def test_bots_fades_everywhere():
    one = curriculum("bots?decay=0.5", ["a", "b"])
    one.observe(groups(("a", 0.75)))
    assert (one.posterior.good.tolist(), one.posterior.bad.tolist()) == ([4, 1], [2, 1])
    one.observe(groups(("b", 0.0)))
    assert (one.posterior.good.tolist(), one.posterior.bad.tolist()) == ([2.5, 1], [1.5, 5])


def test_bots_learns_from_reference_models():
    weak, strong = {"a": 0.0, "b": 0.2}, {"a": 1.0, "b": 0.6}
    one = curriculum("bots", ["a", "b"], decay=0.5, share=0.2, pseudo=10, weak=weak, strong=strong)
    assert one.information == "reference pass rates"
    one.observe(groups(("a", 0.5)))
    assert one.standing == pytest.approx(0.1 * 0.5)
    assert one.miss == pytest.approx(0.1 * 0.5)
    expected = 0.2 + 0.05 * 0.4  # of b
    np.testing.assert_allclose(one.posterior.good, [1 + 0.8 * 2 + 2 * 0.05, 1 + 2 * expected])
    np.testing.assert_allclose(one.posterior.bad, [1 + 0.8 * 2 + 2 * 0.95, 1 + 2 * (1 - expected)])
    with pytest.raises(UserError, match="both"):
        curriculum("bots", ["a", "b"], weak=weak)
    with pytest.raises(UserError, match="no reference pass rate for unit 'b'"):
        curriculum("bots", ["a", "b"], weak={"a": 0.1}, strong=strong)


def test_plr_by_rank_and_age():
    one = curriculum("plr?beta=1&rho=0.5")
    near(one, [0.25] * 4)
    one.step = 3
    one.last[:] = [3, 1, 0, 0]
    one.observe(groups(("a", 0.5), ("b", 1.0)))  # scores 1 and 0, c and d never seen
    replay = 0.5 * np.array([2 / 3, 1 / 3]) + 0.5 * np.array([0, 1])
    near(one, [*(0.5 * replay), 0.25, 0.25])


def test_plr_notes_when_a_unit_is_drawn():
    one = curriculum("plr")
    one.sample(3)
    drawn = {choice.unit for choice in one.sample(2)}
    assert {unit for unit in one.units if one.last[one.index[unit]] == 2} == drawn


def test_vcrl_variance_and_memory():
    assert variance((1.0, 0.0, 1.0, 0.0)) == pytest.approx(1)
    assert variance((1.0, 0.0, 0.0)) == pytest.approx(1)  # as even as an odd group can be
    assert variance((1.0, 0.0, 0.0, 0.0)) == pytest.approx(0.75)
    assert variance((1.0, 1.0)) == variance((1.0,)) == 0
    one = curriculum("vcrl?warmup=1", ["a", "b"])
    late = groups(("a", 0.5), ("b", 0.25), step=2)
    assert [one.admit(outcome) for outcome in late] == [True, False]
    assert all(one.admit(outcome) for outcome in groups(("a", 0.5), ("b", 0.25), step=1))
    one.observe(late)
    assert one.priority == pytest.approx([0.1, 0])
    near(one, [0.5 * 0.5 + 0.5, 0.25])


def test_cdas_difficulty_and_competence():
    one = curriculum("cdas", ["a", "b"])
    one.observe(groups(("a", 1.0)))
    difficulty = 0.5 * 0 + 0.5 * (0.5 - 1)  # the start counts as one visit
    assert one.difficulty.tolist() == [difficulty, 0]
    assert one.competence == pytest.approx(0.25 / 2)
    assert one.sample(1)[0].unit == "b"  # never seen
    one.observe(groups(("a", 0.0)))
    expected = 1 / (1 + math.exp(difficulty - 0.125))
    assert one.difficulty[0] == pytest.approx(2 / 3 * difficulty + expected / 3)


def test_cdas_takes_both_sides():
    one = curriculum("cdas", [f"u{i}" for i in range(6)])
    one.visits[:] = 1
    one.difficulty[:] = [-3, -2, -1, 1, 2, 3]
    assert {choice.unit for choice in one.sample(4)} == {"u1", "u2", "u3", "u4"}
    one.competence = 2.5
    assert {choice.unit for choice in one.sample(4)} == {"u5", "u4", "u3", "u2"}


def test_what_posteriors_are_worth():
    half = curriculum("learnability_thompson", ["a"]).learnability(np.array([0.0, 0.5, 0.9]))
    np.testing.assert_allclose(half, [0, 0.25, 0.09])
    worth = curriculum("pass_at_n_thompson?samples=2", ["a"]).learnability(np.array([0.0, 0.5, 1]))
    np.testing.assert_allclose(worth, [0, 0.25, 0])
    p = np.linspace(0, 1, 2001)
    many = curriculum("pass_at_n_thompson?samples=32", ["a"]).learnability(p)
    assert p[many.argmax()] == pytest.approx(math.log(32) / 32, abs=0.01)


def test_learnability_is_drawn_in_proportion():
    one = curriculum("learnability_thompson?decay=1&epsilon=0.01", ["half", "tenth", "done"])
    for _ in range(60):
        one.observe(groups(("half", 0.5), ("tenth", 0.1), ("done", 1.0), size=10))
    one.simulations = 3000
    chances = one.probabilities()
    assert chances["half"] / chances["tenth"] == pytest.approx(0.25 / 0.09, rel=0.25)
    assert chances["done"] < 0.05
