"""Methods that follow learning progress, on examples done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from .life import CHAIN, curriculum, groups, near


def test_the_default_by_hand():
    teacher = curriculum("bidirectional_lp?rate=0.5&theta=0.5&floor=0.2")
    near(teacher, [0.25] * 4)
    teacher.sample(1)
    teacher.staleness.last[:] = [1, 0, 0, 0]
    teacher.observe(groups(("a", 0.25), ("b", 0.125), ("c", 1.0), size=8))  # c was known before
    ages = np.array([1, 2, 2, 2]) / 7
    near(teacher, 0.8 * np.array([4 / 5, 1 / 5, 0, 0]) + 0.2 * ages)
    teacher.stagnation.factor[0] = 0.1
    teacher.invalidate()
    near(teacher, 0.8 * np.array([0.4, 1, 0, 0]) / 1.4 + 0.2 * ages)


def test_the_default_lets_go_of_coins_and_of_what_is_mastered():
    teacher = curriculum("bidirectional_lp?window=20", ["coin", "done", "learns"])
    flips = np.random.default_rng(0).integers(0, 9, 60) / 8
    for step, flip in enumerate(flips):
        learns = min(step / 60, 1)
        teacher.observe(
            groups(("coin", flip), ("done", 1.0), ("learns", learns), step=step, size=8)
        )
    chances = teacher.probabilities()
    assert chances["learns"] > 0.4
    assert chances["done"] < 0.05
    assert teacher.stagnation.factor[1] == 0.1


def test_the_graph_gate_waits_for_the_weakest_part():
    teacher = curriculum("bidirectional_lp_graph?rate=1", CHAIN)
    factor = teacher.prerequisites.factor
    assert factor.tolist() == [1, 1, 0.02, 0.02]
    teacher.observe(groups(("f", 1.0), ("g", 0.25), ("fg", 0.0)))
    np.testing.assert_allclose(teacher.prerequisites.factor, [1, 1, 0.5, 0.02])
    teacher.observe(groups(("g", 1.0), ("fg", 0.5)))
    np.testing.assert_allclose(teacher.prerequisites.factor, [1, 1, 1, 1])


def test_syllabus_weights():
    teacher = curriculum("bidirectional_lp_syllabus?rate=0.5&theta=0.5", ["a", "b", "c"])
    near(teacher, [1 / 3] * 3)
    teacher.observe(groups(("a", 1.0), ("b", 0.5)))
    gap = np.array([0.25, 0.125])
    weight = 1 / (1 + np.exp(-(gap - gap.mean()) / gap.std()))
    near(teacher, [*(0.75 * weight / weight.sum() + 0.25 / 3), 0.25 / 3])


def test_tscl_online():
    teacher = curriculum("tscl_online?rate=0.5&epsilon=0.2", ["a", "b"])
    near(teacher, [0.5, 0.5])
    teacher.observe(groups(("a", 0.5)))  # a first score is no change, b is still untried
    near(teacher, [0.1, 0.9])
    teacher.observe(groups(("a", 1.0), ("b", 1.0)))
    assert teacher.quality.tolist() == [0.25, 0.0]
    near(teacher, [0.9, 0.1])
    teacher.observe(groups(("a", 0.0)))
    assert teacher.quality.tolist() == [0.25 + 0.5 * (-1 - 0.25), 0.0]


def test_tscl_window():
    teacher = curriculum("tscl_window?window=3&epsilon=0.2", ["a", "b"])
    for step, (up, still) in enumerate([(0.0, 0.75), (0.25, 0.75), (0.75, 0.75)]):
        teacher.observe(groups(("a", up), ("b", still), step=2 * step))
    np.testing.assert_allclose(teacher.slope, [0.75 / 4, 0], atol=1e-12)
    near(teacher, [0.9, 0.1])


def test_tscl_thompson_draws_among_remembered_changes():
    teacher = curriculum("tscl_thompson?window=2", ["a", "b"])
    for mean in (0.0, 0.5, 0.5, 1.0):  # changes .5 0 .5: the last two are 0 and .5
        teacher.observe(groups(("a", mean), ("b", 0.25 if mean == 0 else 0.5)))
    assert sorted(teacher.changes[0]) == [0.0, 0.5]
    assert teacher.changes[1].tolist() == [0.0, 0.0]
    teacher.simulations = 4000  # a wins with .5 for sure, and half of the ties
    assert teacher.probabilities()["a"] == pytest.approx(0.75, abs=0.03)


def test_alp_windows():
    teacher = curriculum("alp_windows?window=4&epsilon=0.2", ["a", "b", "c"])
    near(teacher, [1 / 3] * 3)
    for a, b in [(0.0, 0.5), (0.25, 0.5), (0.5, 0.25), (0.75, 0.25)]:
        teacher.observe(groups(("a", a), ("b", b)))
    np.testing.assert_allclose(teacher.progress, [0.5, 0.25, 0])
    near(teacher, [0.8 * 2 / 3 + 0.2 / 3, 0.8 / 3 + 0.2 / 3, 0.2 / 3])


def test_mastering_rate_attention():
    teacher = curriculum("mastering_rate?window=2&power=2&gamma=0.5", CHAIN)
    teacher.observe(groups(("f", 0.5), ("g", 1.0), ("fg", 0.0), step=1))
    teacher.observe(groups(("f", 1.0), ("g", 1.0), ("fg", 0.5), step=2))
    np.testing.assert_allclose(teacher.mastery, [0.75, 1, 0.25, 0])
    own = 0.5 * np.array([1, 0, 1, 0]) + 0.5 * (1 - teacher.mastery)
    ready = np.array([1, 1, 0.75, 0.25]) ** 2
    least = np.array([0, 0.25, 0, 0])  # of what each is a part of: f is one of fg and fgf
    np.testing.assert_allclose(teacher.attention(), ready * own * (1 - least))


def test_mastering_rate_hands_attention_on():
    teacher = curriculum("mastering_rate?to_parts=0.2&to_uses=0", CHAIN)
    # fgf keeps .8 and gives .1 to fg and f each; fg keeps .8 of its .1, f and g get .01 each
    np.testing.assert_allclose(teacher._hand_on(np.array([0.0, 0, 0, 1])), [0.11, 0.01, 0.08, 0.8])
    up = curriculum("mastering_rate?to_parts=0&to_uses=0.1", CHAIN)
    # f is a part of fg and fgf: .05 each; fg hands .005 on
    np.testing.assert_allclose(up._hand_on(np.array([1.0, 0, 0, 0])), [0.9, 0, 0.045, 0.055])
    attention = np.array([0.3, 0.1, 0.4, 0.2])
    np.testing.assert_allclose(teacher._matrix @ attention, teacher._hand_on(attention))
