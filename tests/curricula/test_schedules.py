"""Schedules and level steppers, on examples done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rlskills.curricula import Pool, make

from .life import LEVELS, curriculum, groups, near


def test_e2h_cosine():
    one = curriculum("e2h_cosine", total_steps=4)
    near(one, [3 / 12, 3 / 12, 2 / 6, 1 / 6])  # start: levels 3 : 2 : 1, the first has two units
    one.step = 2
    one.invalidate()
    near(one, [1 / 6, 1 / 6, 1 / 3, 1 / 3])  # half way: all levels alike
    one.step = 9
    one.invalidate()
    near(one, [1 / 12, 1 / 12, 2 / 6, 3 / 6])


def test_the_clock_is_the_number_of_batches():
    one = curriculum("e2h_cosine", total_steps=4)
    for _ in range(4):
        one.sample(3)
    near(one, [1 / 12, 1 / 12, 2 / 6, 3 / 6])


def test_e2h_gaussian():
    one = curriculum("e2h_gaussian", total_steps=4)
    bell = np.exp(-2 * np.arange(3) ** 2)  # centre 0, width .5
    levels = 1 / 6 + 0.5 * bell / bell.sum()  # floor 2 / (3 * 4)
    near(one, [levels[0] / 2, levels[0] / 2, levels[1], levels[2]])
    one.step = 1
    one.invalidate()
    bell = np.exp(-2 * (np.arange(3) - math.sqrt(1 / 4) * 2) ** 2)
    levels = 1 / 6 + 0.5 * bell / bell.sum()
    near(one, [levels[0] / 2, levels[0] / 2, levels[1], levels[2]])


def test_structured_to_open():
    one = curriculum("structured_to_open", total_steps=6, replay=0.2)
    near(one, [0.5, 0.5, 0, 0])
    for step, wanted in ((2, [0.1, 0.1, 0.8, 0]), (4, [0.2 / 3] * 3 + [0.8])):
        one.step = step
        one.invalidate()
        near(one, wanted)
    one.step = 99
    assert one.stage_now == 2


def test_random_subset():
    one = curriculum("random_subset?share=0.5")
    assert sorted(one.probabilities().values()) == [0, 0, 0.5, 0.5]
    others = {tuple(make("random_subset", LEVELS, s).probabilities().values()) for s in range(30)}
    assert len(others) == 4


def test_level_window_rises_and_stays():
    one = curriculum("level_window?width=2&groups=2&up=0.75")
    near(one, [0.5, 0.5, 0, 0])
    one.observe(groups(("a", 1.0), ("d", 0.0)))  # d is not at the bound
    near(one, [0.5, 0.5, 0, 0])
    one.observe(groups(("b", 0.5)))  # mean .75 of two
    near(one, [0.25, 0.25, 0.5, 0])
    one.observe(groups(("c", 0.0), ("c", 0.0), ("c", 0.0), ("c", 0.0)))
    near(one, [0.25, 0.25, 0.5, 0])
    one.observe(groups(("c", 1.0), ("c", 1.0)))
    near(one, [0, 0, 0.5, 0.5])  # width 2: level 1 is left
    one.observe(groups(("d", 1.0), ("d", 1.0)))
    assert one.metrics()["bound"] == 3


def test_level_window_counts_again_after_each_decision():
    one = curriculum("level_window?width=1&groups=2&up=0.9")
    one.observe(groups(("a", 0.0), ("a", 0.0), ("a", 1.0)))
    assert one.state.groups.tolist() == [1]
    one.observe(groups(("b", 1.0)))
    near(one, [0, 0, 1, 0])


def test_level_window_down_falls():
    one = curriculum("level_window_down?width=1&groups=1&up=0.7&down=0.1")
    for unit, mean, bound in (("a", 1, 2), ("c", 0.5, 2), ("c", 0.75, 3), ("d", 0, 2), ("c", 0, 1)):
        one.observe(groups((unit, mean)))
        assert one.metrics()["bound"] == bound
    one.observe(groups(("a", 0)))
    assert one.metrics()["bound"] == 1


def test_level_windows_by_skills_have_a_bound_each():
    pool = Pool(
        ("x1", "x2", "y1", "y3"),
        levels={"x1": 1, "x2": 2, "y1": 1, "y3": 3},
        skills={"x1": ("x",), "x2": ("x",), "y1": ("y",), "y3": ("y",)},
    )
    one = curriculum("level_window?width=1&groups=1&by=skills", pool)
    near(one, [0.5, 0, 0.5, 0])
    one.observe(groups(("y1", 1.0)))
    near(one, [0.5, 0, 0, 0.5])


def test_adarft_follows_its_target():
    one = curriculum("adarft?rate=50&sharpness=2&wanted=0.5")
    assert one.difficulty.tolist() == [0, 0, 50, 100]
    assert {choice.unit for choice in one.sample(2)} == {"a", "b"}
    one.observe(groups(("a", 1.0), ("b", 0.75)))
    assert one.target == pytest.approx(50 * math.tanh(2 * 0.375))
    assert one.sample(1)[0].unit == "c"
    one.observe(groups(("c", 0.0)))
    assert one.target == 0.0  # clipped


def test_self_improvement_opens_levels_by_rounds():
    one = curriculum("self_improvement?round_groups=2&accept=0.5")
    near(one, [0.5, 0.5, 0, 0])
    one.observe(groups(("a", 0.0), ("b", 0.5), ("d", 1.0)))
    near(one, [0.5, 0.5, 0, 0])
    one.observe(groups(("a", 1.0), ("b", 0.0)))
    near(one, [1 / 3, 1 / 3, 1 / 3, 0])
    always = curriculum("self_improvement?round_groups=1&accept=0")
    always.observe(groups(("a", 0.0), ("c", 0.0)))
    near(always, [0.25] * 4)
