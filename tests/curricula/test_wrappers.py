"""Gates, skips, screening, floors and allocation around another curriculum."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from rlskills.curricula import Choice, Outcome, Pool, make
from rlskills.curricula.methods.sec import SEC
from rlskills.curricula.wrappers.gates import DAPO
from rlskills.errors import UnknownName, UserError
from rlskills.spec import Spec

from .life import CHAIN, LEVELS, curriculum, groups, near


def test_dapo_refuses_zero_variance_groups_and_lets_the_trainer_resample():
    teacher = curriculum("dapo?inner=sec&max_resamples=3")
    alive, dead, done = groups(("a", 0.5), ("b", 0.0), ("c", 1.0))
    assert [teacher.admit(outcome) for outcome in (alive, dead, done)] == [True, False, False]
    assert teacher.max_resamples == 3
    teacher.observe([dead, alive])
    assert teacher.inner.quality.visits.sum() == 1, (
        "the inner curriculum sees zero-variance groups as well"
    )
    assert curriculum("uniform").max_resamples == 0


def test_gates_stack():
    teacher = curriculum("band?low=0.25&high=0.75&inner=dapo")
    assert teacher.max_resamples == 10
    assert [teacher.admit(g) for g in groups(("a", 0.25), ("b", 0.75), ("c", 1.0), ("d", 0.0))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not teacher.admit(Outcome(Choice("a"), (), 1))
    assert curriculum("band").max_resamples == 10  # batches keep their size, as in the paper
    assert curriculum("band?max_resamples=0").max_resamples == 0
    with pytest.raises(UserError, match="band"):
        curriculum("band?low=0.8&high=0.2")


def test_greso_by_hand():
    teacher = curriculum("greso?step_size=0.02", ["easy", "hard", "alive"])
    near(teacher, [1 / 3] * 3)
    for _ in range(2):
        teacher.observe(groups(("easy", 1.0), ("hard", 0.0), ("alive", 0.5)))
    # a third of the groups is dead either way, more than both targets: q falls by .02 twice
    assert (teacher.q_easy, teacher.q_hard) == (pytest.approx(0.46), pytest.approx(0.46))
    keep = np.array([0.46**2, 0.46**2, 1])
    near(teacher, keep / keep.sum())
    teacher.observe(groups(("easy", 0.5), ("hard", 1.0), ("alive", 0.5)))
    assert teacher.run.tolist() == [0, 1, 0]  # a run of the other kind starts anew
    for _ in range(60):
        teacher.observe(groups(("hard", 1.0)))
    assert teacher.q_easy == 0.05
    assert teacher.q_hard == pytest.approx(0.95)
    near(teacher, np.array([1, 0.01, 1]) / 2.01)


def test_greso_multiplies_the_chances_of_what_it_surrounds():
    teacher = curriculum("greso?inner=mixture", ["a", "b"])
    teacher.inner.fixed[:] = [3.0, 1.0]
    teacher.observe(groups(("a", 0.0)))
    keep = np.array([teacher.q_hard * 0.75, 0.25])
    near(teacher, keep / keep.sum())


def test_speed_screens_then_continues():
    teacher = curriculum("speed?screen=2&rest=6", ["a", "b", "c"])
    first = teacher.sample(3)
    assert {(c.tag, c.rollouts) for c in first} == {("screen", 2)}
    screened = [
        Outcome(Choice(unit, tag="screen", problem=number), rewards, 1)
        for number, (unit, rewards) in enumerate(
            (("b", (1.0, 0.0)), ("a", (0.0, 0.0)), ("c", (0.0, 1.0)))
        )
    ]
    assert not any(teacher.admit(outcome) for outcome in screened)
    teacher.observe(screened)
    assert teacher.probabilities() == pytest.approx({"a": 1 / 9, "b": 4 / 9, "c": 4 / 9})
    second = teacher.sample(3)
    assert [(c.unit, c.tag, c.rollouts) for c in second[:2]] == [("b", "main", 6), ("c", "main", 6)]
    assert [choice.problem for choice in second] == [0, 2, None], "the problems that were screened"
    assert second[2].tag == "screen"
    assert teacher.admit(Outcome(second[0], (1.0, 0.0), 2))
    teacher.observe([Outcome(second[0], (1.0, 0.0), 2)])
    assert teacher.passed == []


def test_instance_filter_keeps_what_was_of_middle_difficulty_at_first():
    teacher = curriculum("instance_filter?groups=1&low=0.2&high=0.8", ["a", "b", "c"])
    tried = {}
    while teacher.screening:
        choices = teacher.sample(2)
        assert {choice.tag for choice in choices} == {"screen"}
        outcomes = [
            Outcome(c, {"a": (0.0, 1.0), "b": (0.0, 0.0), "c": (1.0, 1.0)}[c.unit], 1)
            for c in choices
        ]
        assert not any(teacher.admit(outcome) for outcome in outcomes)
        teacher.observe(outcomes)
        tried |= {choice.unit: True for choice in choices}
    assert set(tried) == {"a", "b", "c"}
    near(teacher, [1, 0, 0])
    teacher.observe(groups(("a", 1.0), ("b", 0.5)))
    near(teacher, [1, 0, 0])  # for good
    assert teacher.sample(1)[0].tag == ""
    nothing = curriculum("instance_filter", ["a", "b"])
    nothing.observe([Outcome(Choice(unit, tag="screen"), (0.0,), 1) for unit in ("a", "b")])
    near(nothing, [0.5, 0.5])


def test_cures_weights_and_allocation():
    teacher = curriculum("cures?decay=1&temperature=0.25&mean=8&low=4&high=16", ["half", "rare"])
    for _ in range(30):
        teacher.observe(groups(("half", 0.5), ("rare", 0.0), size=10))
    spread = np.array([0.5, math.sqrt(301) / 302])
    near(teacher, np.exp(4 * spread) / np.exp(4 * spread).sum())
    drawn = teacher.sample(20)
    assert sum(choice.rollouts for choice in drawn) == 160
    sizes = {choice.unit: choice.rollouts for choice in drawn}
    assert sizes["rare"] == 4 < 8 <= sizes["half"] <= 16


def test_allocated_keeps_the_budget_of_what_it_surrounds():
    teacher = curriculum("allocated?inner=sec&mean=6&low=2&high=12", CHAIN)
    teacher.observe(groups(("f", 0.5), ("g", 0.0), ("g", 0.0), ("fgf", 1.0), size=8))
    for k in (1, 4, 9):
        drawn = teacher.sample(k)
        sizes = [choice.rollouts for choice in drawn]
        assert sum(sizes) == 6 * k
        assert all(2 <= size <= 12 for size in sizes)
    with pytest.raises(UserError, match="group sizes"):
        curriculum("allocated?mean=3&low=4")


def test_factors_multiply_and_the_floor_adds():
    stagnant = curriculum("with_stagnation?window=2", ["a", "b"])
    stagnant.observe(groups(("a", 0.5), ("a", 0.5)))
    near(stagnant, np.array([0.1, 1]) / 1.1)
    gated = curriculum("with_prerequisites", CHAIN)
    near(gated, np.array([1, 1, 0.02, 0.02]) / 2.04)
    floored = curriculum("with_staleness?share=0.5&inner=level_window")
    floored.sample(1)
    floored.staleness.last[:] = [1, 0, 0, 0]
    floored.invalidate()
    near(floored, 0.5 * np.array([0.5, 0.5, 0, 0]) + 0.5 * np.array([1, 2, 2, 2]) / 7)


def test_what_is_inside_hears_of_every_draw():
    teacher = curriculum("with_stagnation?inner=bidirectional_lp", ["a", "b", "c"])
    for k in (3, 1, 2):
        teacher.sample(k)
    drawn = teacher.sample(2)
    assert teacher.inner.step == teacher.step == 4
    assert [teacher.inner.staleness.last[teacher.index[c.unit]] for c in drawn] == [4, 4]


def test_a_wrong_inner_name_is_one_clear_line():
    with pytest.raises(UnknownName, match="did you mean 'sec'"):
        make("dapo?inner=secc", LEVELS)
    with pytest.raises(UserError, match="needs the pool's prerequisites"):
        make("dapo?inner=ladder", Pool(("a",)))
    with pytest.raises(UserError, match="inner must be a curriculum or its spec, not 3"):
        make("dapo", LEVELS, inner=3)
    with pytest.raises(UserError, match="unknown option of sec 'inner'"):
        make("sec?inner=dapo", LEVELS)


def test_specs_nest_and_are_kept():
    text = "dapo?max_resamples=3&inner=(greso?least=0.02&inner=(sec?rate=0.3&arms=unit))"
    outer = curriculum(text)
    assert outer.inner.inner.options.rate == 0.3
    assert outer.inner.inner.options.arms == "unit"
    assert str(outer.spec) == text
    assert curriculum(str(outer.spec)).spec == outer.spec
    assert Spec.from_json(json.loads(json.dumps(outer.spec.to_json()))) == outer.spec
    assert str(curriculum("dapo?inner=uniform").spec) == "dapo"


def test_a_wrapper_takes_a_curriculum_that_is_built_already():
    inner = SEC(LEVELS, 4, rate=0.3)
    outer = DAPO(LEVELS, 4, inner=inner, max_resamples=2)
    assert outer.inner is inner
    assert str(outer.spec) == "dapo?max_resamples=2&inner=(sec?rate=0.3)"
    assert make("dapo", LEVELS, 4, inner=inner).inner is inner  # type: ignore[attr-defined]
    same = make(outer.spec, LEVELS, 4)
    assert same.sample(20) == outer.sample(20)
    with pytest.raises(UserError, match="dapo and its inner sec have different pools"):
        DAPO(CHAIN, inner=inner)


def test_wrong_and_malformed_answers_differ_for_the_gate_where_they_do_for_the_loss():
    """Under the reward preset `paper`: 1 for right, 0 for wrong, -1 for malformed."""
    gate = curriculum("dapo?inner=bidirectional_lp")
    choice = Choice("a")
    live = Outcome(choice, (0.0, 0.0, 0.0), 1, rewards=(0.0, -1.0, 0.0))
    alike = Outcome(choice, (0.0, 0.0, 0.0), 1, rewards=(-1.0, -1.0, -1.0))
    assert gate.admit(live)
    assert not gate.admit(alike)
    gate.observe([live, alike])
    assert gate.metrics()["competence"] == 0, "competence is that of pass rates"
    screened = curriculum("speed")
    screened.observe([replace(live, choice=Choice("a", tag="screen"))])
    assert screened.passed == [["a", None]]
