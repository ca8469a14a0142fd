"""Teachers of parameters: where they draw, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rlskills.curricula import BoxPool, Choice, Outcome, Pool, make
from rlskills.curricula.boxes import layout
from rlskills.curricula.methods.riac import progress, region
from rlskills.errors import UserError

BOX = BoxPool(low=(10.0, -1.0), high=(20.0, 1.0))
TEACHERS = ("alp_gmm", "covar_gmm", "riac")


def study(name: str, rate, groups: int, **options) -> list[tuple[float, ...]]:
    """Let a teacher draw while the pass rate is `rate(params, time)`; returns the last tasks."""
    teacher, drawn = make(name, BOX, 0, **options), []
    rng = np.random.default_rng(0)
    for step in range(groups // 10):
        choices = teacher.sample(10)
        drawn += [choice.params for choice in choices]
        outcomes = []
        for choice in choices:
            p = rate(choice.params, step * 10 / groups)
            outcomes.append(Outcome(choice, tuple((rng.random(8) < p).astype(float)), step))
        teacher.observe(outcomes)
    return drawn[-groups // 4 :]


def test_uniform_fills_the_box():
    drawn = np.array(study("uniform_box", lambda x, t: 0.5, 2000))
    np.testing.assert_allclose(drawn.mean(0), [15, 0], atol=0.6)
    np.testing.assert_allclose(drawn.std(0), np.array([10, 2]) / math.sqrt(12), rtol=0.1)


@pytest.mark.parametrize("name", TEACHERS)
def test_teachers_go_where_progress_is(name: str):
    """Only in the first quarter of one direction does anything change with practice."""

    def rate(params: tuple[float, ...], time: float) -> float:
        return min(time * 1.2, 1.0) if params[0] < 12.5 else 0.0

    drawn = study(name, rate, 3000)
    share = np.mean([params[0] < 12.5 for params in drawn])
    assert share > 0.4, share
    assert all(10 <= x <= 20 and -1 <= y <= 1 for x, y in drawn)


@pytest.mark.parametrize("name", ["uniform_box", *TEACHERS])
@pytest.mark.parametrize("params", [None, (15.0,), (9.0, 0.0), (15.0, 1.5), (math.nan, 0.0)])
def test_tasks_off_the_box_are_refused(name: str, params):
    teacher = make(name, BOX)
    before = teacher.state_dict()
    with pytest.raises(UserError, match="not in the box"):
        teacher.observe([Outcome(Choice("box", params=params), (1.0,), 1)])
    assert teacher.state_dict() == before


def test_units_are_laid_out_by_level_and_place():
    pool = Pool(("a", "b", "c"), levels={"a": 1, "c": 1, "b": 7})
    np.testing.assert_allclose(layout(pool), [[0.25, 0.25], [0.75, 0.5], [0.25, 0.75]])


@pytest.mark.parametrize("name", TEACHERS)
def test_teachers_find_the_level_that_moves(name: str):
    units = tuple(f"L{level}{i}" for level in range(1, 5) for i in range(4))
    teacher = make(name, Pool(units, levels={unit: int(unit[1]) for unit in units}), 0)
    rng = np.random.default_rng(0)
    for step in range(330):  # while the second level still moves
        outcomes = []
        for choice in teacher.sample(8):
            p = {"1": 1.0, "2": min(step / 350, 1)}.get(choice.unit[1], 0.0)
            outcomes.append(Outcome(choice, tuple((rng.random(8) < p).astype(float)), step))
        teacher.observe(outcomes)
    chances = teacher.probabilities()
    moving = sum(chance for unit, chance in chances.items() if unit[1] == "2")
    assert moving > 0.4, chances


def test_alp_is_the_difference_to_the_nearest_task():
    teacher = make("alp_gmm?memory=6", BOX)
    places = np.array([[0.1, 0.1], [0.9, 0.9], [0.5, 0.1], [0.1, 0.9], [0.9, 0.1]])
    rewards = np.array([0.0, 1.0, 0.5, 0.2, 0.8])
    assert teacher.signal(places, rewards).tolist() == [0] * 5  # type: ignore[attr-defined]
    near = teacher.signal(np.array([[0.85, 0.8], [0.45, 0.2]]), np.array([0.25, 0.75]))  # type: ignore[attr-defined]
    np.testing.assert_allclose(near, [0.75, 0.25])
    # seven tasks in a memory of six: the first is forgotten
    left = teacher.memory.tolist()  # type: ignore[attr-defined]
    assert [0.1, 0.1, 0.0] not in left
    assert [0.45, 0.2, 0.75] in left


def test_riac_progress_and_cuts():
    assert progress([[0.1, 0.0], [0.1, 0.2], [0.1, 0.6], [0.1, 1.0]]) == pytest.approx(0.7)
    assert progress([[0.1, 0.4]]) == 0
    teacher = make("riac?most=40", BOX)
    left = [[0.25 * i / 40, 0.5, i / 40] for i in range(20)]  # rises
    right = [[0.5 + i / 40, 0.5, 0.3] for i in range(20)]  # stays
    tasks = [row for pair in zip(left, right, strict=True) for row in pair]
    cut = teacher._cut(region([0.0, 0.0], [1.0, 1.0], tasks))  # type: ignore[attr-defined]
    assert len(cut) == 2
    assert cut[0]["high"][0] == cut[1]["low"][0]
    assert 0.12 < cut[0]["high"][0] < 0.6
    assert cut[0]["progress"] > cut[1]["progress"]
    same = [[0.5, 0.5, 0.0]] * 40  # nothing to cut: the oldest quarter goes
    assert len(teacher._cut(region([0.0, 0.0], [1.0, 1.0], same))[0]["tasks"]) == 30  # type: ignore[attr-defined]
