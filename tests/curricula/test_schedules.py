"""Schedules and level steppers, on examples done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rlskills.curricula import Pool, make

from .life import LEVELS, curriculum, groups, near


def test_e2h_cosine():
    teacher = curriculum("e2h_cosine", total_steps=4)
    near(
        teacher, [3 / 12, 3 / 12, 2 / 6, 1 / 6]
    )  # start: levels 3 : 2 : 1, the first has two units
    teacher.step = 2
    teacher.invalidate()
    near(teacher, [1 / 6, 1 / 6, 1 / 3, 1 / 3])  # half way: all levels alike
    teacher.step = 9
    teacher.invalidate()
    near(teacher, [1 / 12, 1 / 12, 2 / 6, 3 / 6])


def test_the_clock_is_the_number_of_batches():
    teacher = curriculum("e2h_cosine", total_steps=4)
    for _ in range(4):
        teacher.sample(3)
    near(teacher, [1 / 12, 1 / 12, 2 / 6, 3 / 6])


def test_e2h_gaussian():
    teacher = curriculum("e2h_gaussian", total_steps=4)
    bell = np.exp(-2 * np.arange(3) ** 2)  # centre 0, width .5
    levels = 1 / 6 + 0.5 * bell / bell.sum()  # floor 2 / (3 * 4)
    near(teacher, [levels[0] / 2, levels[0] / 2, levels[1], levels[2]])
    teacher.step = 1
    teacher.invalidate()
    bell = np.exp(-2 * (np.arange(3) - math.sqrt(1 / 4) * 2) ** 2)
    levels = 1 / 6 + 0.5 * bell / bell.sum()
    near(teacher, [levels[0] / 2, levels[0] / 2, levels[1], levels[2]])


def test_structured_to_open():
    teacher = curriculum("structured_to_open", total_steps=6, replay=0.2)
    near(teacher, [0.5, 0.5, 0, 0])
    for step, wanted in ((2, [0.1, 0.1, 0.8, 0]), (4, [0.2 / 3] * 3 + [0.8])):
        teacher.step = step
        teacher.invalidate()
        near(teacher, wanted)
    teacher.step = 99
    assert teacher.stage_now == 2


def test_random_subset():
    teacher = curriculum("random_subset?share=0.5")
    assert sorted(teacher.probabilities().values()) == [0, 0, 0.5, 0.5]
    others = {tuple(make("random_subset", LEVELS, s).probabilities().values()) for s in range(30)}
    assert len(others) == 4
    teacher.sample(99)
    assert sorted(teacher.probabilities().values()) == [0, 0, 0.5, 0.5]


def rounds(spec: str, units: int, count: int, seed: int = 0) -> list[frozenset[str]]:
    """The subsets of so many rounds."""
    teacher, found = make(spec, [f"u{i}" for i in range(units)], seed), []
    for _ in range(count):
        found.append(frozenset(unit for unit, p in teacher.probabilities().items() if p))
        assert {choice.unit for choice in teacher.sample(5)} <= found[-1]
    return found


@pytest.mark.parametrize(
    ("redraw", "seen"),
    [
        ("never", [0.1, 0.1, 0.1, 0.1]),
        ("fresh", [0.1, 0.4095, 0.6513, 0.8784]),
        ("slices", [0.1, 0.5, 1.0, 1.0]),
    ],
)
def test_subsets_that_are_drawn_again(redraw: str, seen: list[float]):
    """Share of the units seen after 1, 5, 10 and 20 rounds of a tenth each."""
    found = rounds(f"random_subset?share=0.1&redraw={redraw}", 2000, 20)
    assert {len(part) for part in found} == {200}
    for count, share in zip((1, 5, 10, 20), seen, strict=True):
        exact = redraw != "fresh" or count == 1
        shown = len(frozenset().union(*found[:count])) / 2000
        assert shown == pytest.approx(share, abs=1e-9 if exact else 0.02)


def test_slices_of_a_shuffled_order():
    spec = "random_subset?share=0.34&redraw=slices"
    found = rounds(spec, 9, 6)
    assert [len(part) for part in found] == [3] * 6
    assert frozenset().union(*found[:3]) == frozenset().union(*found[3:])
    assert len({frozenset(rounds(spec, 9, 6, seed)[3:]) for seed in range(9)}) > 1
    short = rounds("random_subset?share=0.3&redraw=slices", 10, 5)
    assert [len(part) for part in short] == [3, 3, 3, 1, 3]


def test_a_subset_is_kept_for_some_batches():
    found = rounds("random_subset?share=0.5&redraw=slices&every=3", 8, 12)
    assert [found[i] == found[i + 1] for i in range(11)].count(False) <= 3
    assert all(found[i] == found[i + 1] for i in range(11) if (i + 1) % 3)
    for i in (0, 6):
        assert not found[i] & found[i + 3]


def test_level_window_rises_and_stays():
    teacher = curriculum("level_window?width=2&groups=2&up=0.75")
    near(teacher, [0.5, 0.5, 0, 0])
    teacher.observe(groups(("a", 1.0), ("d", 0.0)))  # d is not at the bound
    near(teacher, [0.5, 0.5, 0, 0])
    teacher.observe(groups(("b", 0.5)))  # mean .75 of two
    near(teacher, [0.25, 0.25, 0.5, 0])
    teacher.observe(groups(("c", 0.0), ("c", 0.0), ("c", 0.0), ("c", 0.0)))
    near(teacher, [0.25, 0.25, 0.5, 0])
    teacher.observe(groups(("c", 1.0), ("c", 1.0)))
    near(teacher, [0, 0, 0.5, 0.5])  # width 2: level 1 is left
    teacher.observe(groups(("d", 1.0), ("d", 1.0)))
    assert teacher.metrics()["bound"] == 3


def test_level_window_counts_again_after_each_decision():
    teacher = curriculum("level_window?width=1&groups=2&up=0.9")
    teacher.observe(groups(("a", 0.0), ("a", 0.0), ("a", 1.0)))
    assert teacher.state.groups.tolist() == [1]
    teacher.observe(groups(("b", 1.0)))
    near(teacher, [0, 0, 1, 0])


def test_level_window_down_falls():
    teacher = curriculum("level_window_down?width=1&groups=1&up=0.7&down=0.1")
    for unit, mean, bound in (("a", 1, 2), ("c", 0.5, 2), ("c", 0.75, 3), ("d", 0, 2), ("c", 0, 1)):
        teacher.observe(groups((unit, mean)))
        assert teacher.metrics()["bound"] == bound
    teacher.observe(groups(("a", 0)))
    assert teacher.metrics()["bound"] == 1


def test_level_windows_by_skills_have_a_bound_each():
    pool = Pool(
        ("x1", "x2", "y1", "y3"),
        levels={"x1": 1, "x2": 2, "y1": 1, "y3": 3},
        skills={"x1": ("x",), "x2": ("x",), "y1": ("y",), "y3": ("y",)},
    )
    teacher = curriculum("level_window?width=1&groups=1&by=skills", pool)
    near(teacher, [0.5, 0, 0.5, 0])
    teacher.observe(groups(("y1", 1.0)))
    near(teacher, [0.5, 0, 0, 0.5])


def test_adarft_follows_its_target():
    teacher = curriculum("adarft?rate=50&sharpness=2&wanted=0.5")
    assert teacher.difficulty.tolist() == [0, 0, 50, 100]
    assert {choice.unit for choice in teacher.sample(2)} == {"a", "b"}
    teacher.observe(groups(("a", 1.0), ("b", 0.75)))
    assert teacher.target == pytest.approx(50 * math.tanh(2 * 0.375))
    assert teacher.sample(1)[0].unit == "c"
    teacher.observe(groups(("c", 0.0)))
    assert teacher.target == 0.0  # clipped


def test_self_improvement_opens_levels_by_rounds():
    teacher = curriculum("self_improvement?round_groups=2&accept=0.5")
    near(teacher, [0.5, 0.5, 0, 0])
    teacher.observe(groups(("a", 0.0), ("b", 0.5), ("d", 1.0)))
    near(teacher, [0.5, 0.5, 0, 0])
    teacher.observe(groups(("a", 1.0), ("b", 0.0)))
    near(teacher, [1 / 3, 1 / 3, 1 / 3, 0])
    always = curriculum("self_improvement?round_groups=1&accept=0")
    always.observe(groups(("a", 0.0), ("c", 0.0)))
    near(always, [0.25] * 4)
