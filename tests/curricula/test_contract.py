"""What every curriculum must keep: those of the catalogue, and one from a file outside of it."""

from __future__ import annotations

import dataclasses
import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.curricula import (
    CATALOGUE,
    BoxPool,
    Choice,
    Curriculum,
    Mixture,
    Outcome,
    Pool,
    Uniform,
    make,
)
from rlskills.curricula.boxes import BoxTeacher
from rlskills.errors import UnknownName, UserError

from .life import CASES, UNITS, build, group, live, numbers, reseed, shares

every = pytest.mark.parametrize("case", sorted(CASES))
lives = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**16)), max_size=8)
few = settings(max_examples=4, deadline=None)
LIFE = [(5, 11), (3, 12), (8, 13), (6, 14), (4, 15), (8, 16), (8, 17), (8, 18)]


def chances_are_sound(case: str, teacher) -> None:
    before = teacher.state_dict()
    chances = teacher.probabilities()
    assert tuple(chances) == teacher.units
    assert all(chance >= 0 for chance in chances.values())
    assert math.isclose(sum(chances.values()), 1, abs_tol=1e-9)
    if teacher.reaches_all:
        assert min(chances.values()) > 0
    assert all(math.isfinite(number) for number in teacher.metrics().values())
    assert teacher.state_dict() == before, "asking must change nothing"


@every
def test_is_a_curriculum(case: str):
    teacher = build(case)
    assert isinstance(teacher, Curriculum)
    assert teacher.name == ("HalfSolved" if case == "outside" else case.split("?")[0].split(" ")[0])
    assert teacher.information
    assert teacher.needs <= {"features"}
    assert type(teacher).__doc__


@every
@few
@given(before=lives, after=lives)
def test_state_through_json_continues_bit_by_bit(case: str, before, after):
    teacher, open_choices = build(case, seed=3), []
    live(teacher, before, open_choices)
    two = build(case, seed=99)
    two.load_state_dict(json.loads(json.dumps(teacher.state_dict(), allow_nan=False)))
    assert two.probabilities() == teacher.probabilities()
    assert live(two, after, list(open_choices)) == live(teacher, after, list(open_choices))
    assert two.state_dict() == teacher.state_dict()
    assert two.probabilities() == teacher.probabilities()


@every
@few
@given(history=lives)
def test_probabilities_are_sound_at_any_time(case: str, history):
    teacher = build(case, seed=5)
    for event in history:
        live(teacher, [event], [])
        chances_are_sound(case, teacher)


@every
def test_probabilities_are_what_is_drawn(case: str):
    teacher = build(case, seed=7)
    live(teacher, LIFE, [])
    teacher.sample(4)  # batches of four from here on
    if hasattr(teacher, "simulations"):
        teacher.simulations = 300  # type: ignore[attr-defined]
    told, drawn = teacher.probabilities(), shares(teacher, draws=200, batch=4)
    for unit in teacher.units:
        assert abs(told[unit] - drawn[unit]) < 0.09, (told, drawn)


@every
def test_choices_are_of_units_with_a_probability(case: str):
    teacher = build(case, seed=2)
    live(teacher, LIFE, [])
    probabilities = teacher.probabilities()
    for choice in teacher.sample(6):
        if (
            not teacher.distinct
        ):  # where scores are drawn, probabilities come from 64 simulated batches
            assert probabilities[choice.unit] > 0
        assert choice.rollouts is None or choice.rollouts >= 1


@every
def test_the_spec_builds_it_again(case: str):
    teacher = build(case, seed=2)
    again = make(teacher.spec, teacher.pool, 2)
    assert again.spec == teacher.spec
    assert again.settings() == teacher.settings()
    assert make(str(teacher.spec), teacher.pool, 2).sample(9) == teacher.sample(9)


@every
def test_metrics_are_few_and_finite_and_keep_their_names(case: str):
    teacher = build(case, seed=2)
    names = set(teacher.metrics())
    live(teacher, LIFE, [])
    assert set(teacher.metrics()) == names
    assert all(math.isfinite(value) for value in teacher.metrics().values())
    if isinstance(teacher.pool, BoxPool):
        return
    many = [f"u{i}" for i in range(1000)]
    pool = Pool(
        tuple(many),
        {unit: 1 + i % 20 for i, unit in enumerate(many)},
        {many[i]: (many[i - 1],) for i in range(1, 40)},
        {unit: (f"s{i % 30}", f"s{i % 7}") for i, unit in enumerate(many)},
    )
    if case.split("?")[0] != "mixture":
        assert len(build(case, pool=pool).metrics()) <= 48


@every
def test_batches_have_the_size_asked_for(case: str):
    teacher = build(case)
    before = teacher.state_dict()
    assert teacher.sample(0) == []
    assert teacher.state_dict() == before
    with pytest.raises(UserError, match="-1"):
        teacher.sample(-1)
    assert teacher.state_dict() == before
    for k in (1, 7, 30):
        drawn = teacher.sample(k)
        assert len(drawn) == k
        if teacher.distinct and k <= len(teacher.units):
            assert len({choice.unit for choice in drawn}) == k


@every
def test_a_unit_never_seen_is_drawn_soon_when_that_is_promised(case: str):
    teacher = build(case, seed=4)
    if teacher.reaches_all:
        seen = {choice.unit for _ in range(250 * len(UNITS) // 8) for choice in teacher.sample(8)}
        assert seen == set(teacher.units)


@every
@pytest.mark.parametrize(
    "wrong",
    [
        Outcome(Choice("a"), (math.nan,), 1),
        Outcome(Choice("a"), (0.5, math.nan, 0.5), 1),
        Outcome(Choice("a"), (0.0, math.inf), 1),
        Outcome(Choice("a"), (-0.1, 1.0), 1),
        Outcome(Choice("a"), (1.5,), 1),
        Outcome(Choice("nowhere"), (1.0,), 1),
        Outcome(Choice("a"), (1.0, 0.0), 1, rewards=(1.0,)),
        Outcome(Choice("a"), (1.0, 0.0), 1, rewards=(1.0, math.nan)),
    ],
    ids=[
        "nan",
        "nan among others",
        "infinite",
        "negative",
        "above 1",
        "unknown unit",
        "too few rewards",
        "reward is nan",
    ],
)
def test_bad_outcomes_are_one_error_and_change_nothing(case: str, wrong: Outcome):
    teacher = build(case)
    live(teacher, LIFE, [])
    good = teacher.sample(3)
    if wrong.choice.unit == "a":
        wrong = dataclasses.replace(wrong, choice=good[0])
    before = teacher.state_dict()
    with pytest.raises(UserError):
        teacher.observe([*(Outcome(choice, (1.0, 0.0), 1) for choice in good), wrong])
    assert teacher.state_dict() == before


@every
def test_foreign_and_broken_states_are_refused_and_change_nothing(case: str):
    source = build(case, seed=1)
    live(source, LIFE, [])
    state = source.state_dict()
    teacher = build(case, seed=2)
    live(teacher, LIFE[:3], [])
    before = teacher.state_dict()
    foreign = [{"name": "other"}, {"version": 99}, {"pool": "x"}, {"options": {"x": 1}}]
    broken = [{key: junk} for key in state for junk in ("junk", None, [[math.nan]])]
    for change in (*foreign, *broken):
        with pytest.raises(UserError, match="state"):
            teacher.load_state_dict(state | change)
        assert teacher.state_dict() == before
    for key in state:
        with pytest.raises(UserError, match="state"):
            teacher.load_state_dict({name: value for name, value in state.items() if name != key})
        assert teacher.state_dict() == before


@every
def test_another_pool_is_refused(case: str):
    teacher = build(case)
    if isinstance(teacher.pool, BoxPool):
        other = build(case, pool=BoxPool(low=(0.0, 0.0), high=(2.0, 1.0)))
    else:
        levels = {**teacher.pool.levels, teacher.units[-1]: 7}
        other = build(case, pool=dataclasses.replace(teacher.pool, levels=levels))
    with pytest.raises(UserError, match="has pool"):
        other.load_state_dict(teacher.state_dict())


@every
@few
@given(history=lives, number=st.integers(0, 2**16))
def test_order_within_a_step_is_without_influence_when_that_is_promised(case, history, number):
    teacher = build(case, seed=6)
    live(teacher, history, [])
    rng = random.Random(number)
    outcomes = [group(choice, rng) for choice in teacher.sample(8)]
    two = build(case, seed=6)
    two.load_state_dict(teacher.state_dict())
    teacher.observe(outcomes)
    rng.shuffle(outcomes)
    two.observe(outcomes)
    if teacher.order_free:
        mine, theirs = numbers(teacher.state_dict()), numbers(two.state_dict())
        np.testing.assert_allclose(mine, theirs, atol=1e-9)


@every
@few
@given(history=lives)
def test_names_are_without_influence(case: str, history):
    pool = build(case).pool
    if isinstance(pool, BoxPool):
        return
    new = {unit: f"unit {i} é" for i, unit in enumerate(pool.units)}
    renamed = Pool(
        tuple(new.values()),
        {new[unit]: level for unit, level in pool.levels.items()},
        {new[unit]: tuple(new[part] for part in ps) for unit, ps in pool.prerequisites.items()},
        {new[unit]: tags for unit, tags in pool.skills.items()},
    )
    teacher, two = build(case, seed=8), build(case, seed=8, pool=renamed)
    pending, theirs = [], []
    for event in history:
        drawn = [c for batch in live(teacher, [event], pending) for c in batch]
        other = [c for batch in live(two, [event], theirs) for c in batch]
        assert [new[c.unit] for c in drawn] == [c.unit for c in other]
    assert list(teacher.probabilities().values()) == list(two.probabilities().values())


@every
@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_zero_variance_groups_only_and_empty_groups(case: str, reward: float):
    teacher = build(case, seed=1)
    for step in range(30):
        outcomes = [Outcome(choice, (reward,) * 4, step) for choice in teacher.sample(4)]
        teacher.observe(outcomes)
        assert all(teacher.admit(outcome) in (True, False) for outcome in outcomes)
    teacher.observe([Outcome(choice, (), 31) for choice in teacher.sample(3)])
    teacher.observe([])
    chances_are_sound(case, teacher)


@every
def test_units_come_and_go(case: str):
    teacher = build(case, seed=1)
    live(teacher, LIFE, [])
    stays = Pool(
        ("new", "a", "b", "ab", "abc"),
        levels={"new": 4, "a": 1, "b": 1, "ab": 2, "abc": 3},
        prerequisites={"ab": ("a", "b"), "abc": ("ab",), "new": ("abc",)},
        skills={"new": ("x", "y"), "a": ("a",), "b": ("b",), "ab": ("a", "b"), "abc": ("c",)},
    )
    if isinstance(teacher, BoxTeacher):
        before = teacher.state_dict()
        with pytest.raises(UserError, match="cannot change its box"):
            teacher.resize(stays)
        assert teacher.state_dict() == before
        return
    teacher.resize(stays)
    assert teacher.units == stays.units
    chances_are_sound(case, teacher)
    live(teacher, LIFE, [])
    chances_are_sound(case, teacher)
    two = build(case, pool=stays)
    two.load_state_dict(json.loads(json.dumps(teacher.state_dict())))
    assert two.sample(5) == teacher.sample(5)
    if case != "mixture":
        same = teacher.probabilities()
        teacher.resize(stays)
        assert teacher.probabilities() == same


def test_what_is_known_of_a_unit_survives_its_neighbours():
    teacher = make("bidirectional_lp?window=2", UNITS)
    teacher.observe([Outcome(Choice("b"), (1.0, 0.0), 1), Outcome(Choice("c"), (1.0,), 1)] * 2)
    fast, factor = teacher.progress.fast[1], teacher.stagnation.factor[1]  # type: ignore[attr-defined]
    assert fast > 0
    teacher.resize(("new", "b"))
    np.testing.assert_array_equal(teacher.progress.fast, [0.0, fast])  # type: ignore[attr-defined]
    np.testing.assert_array_equal(teacher.stagnation.factor, [1.0, factor])  # type: ignore[attr-defined]
    assert teacher.stagnation.windows.seen.tolist() == [0, 2]  # type: ignore[attr-defined]


def test_seeds_differ():
    draws = [[c.unit for c in make("uniform", UNITS, seed).sample(20)] for seed in (0, 1)]
    assert draws[0] != draws[1]
    again = make("uniform", UNITS, 5)
    reseed(again, 0)
    assert [c.unit for c in again.sample(20)] == draws[0]


def test_impossible_pools_are_refused():
    with pytest.raises(UserError, match="empty"):
        Uniform([])
    with pytest.raises(UserError, match="not distinct"):
        Uniform(["a", "a"])
    with pytest.raises(UserError, match="cycle: "):
        Pool(("a", "b"), prerequisites={"a": ("b",), "b": ("a",)})
    with pytest.raises(UserError, match="no room"):
        BoxPool(low=(0.0,), high=(0.0,))
    with pytest.raises(UserError, match="do not fit"):
        BoxPool(low=(0.0,), high=(1.0, 2.0))
    with pytest.raises(UserError, match="one unit"):
        BoxPool(("a", "b"))


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_missing_knowledge_is_one_clear_line(name: str):
    without = {"pooled_progress"}  # labels help it, and may be missing
    information = build(name).information
    if information in ("none", "hidden states") or name in without:
        bare = make(name, ["a", "b"])
        assert bare.information in ("none", "hidden states"), "it says what it does not know"
        bare.sample(2)
    else:
        with pytest.raises(UserError, match="needs"):
            make(name, ["a", "b"])


def test_mixture_weights_are_checked():
    teacher = Mixture(["a", "b"], weights={"a": 2.0})
    assert teacher.probabilities() == {"a": 1.0, "b": 0.0}
    for weights, message in (
        ({"a": 0.0}, "all zero"),
        ({"a": -1.0}, "not be negative"),
        ({"a": math.nan}, "not of type"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=message):
            Mixture(["a"], weights=weights)
    with pytest.raises(UnknownName, match="did you mean 'a1'"):
        Mixture(["a1"], weights={"a": 1.0})
    with pytest.raises(UserError, match="options"):
        teacher.load_state_dict(Mixture(["a", "b"], weights={"a": 1.0}).state_dict())


def test_zero_variance_is_that_of_rewards():
    assert Outcome(Choice("a"), (1.0, 1.0), 0).zero_variance
    assert not Outcome(Choice("a"), (1.0, 0.0), 0).zero_variance
    assert not Outcome(Choice("a"), (0.0, 0.0), 0, rewards=(0.0, -1.0)).zero_variance
    assert Outcome(Choice("a"), (1.0, 0.0), 0, rewards=(2.0, 2.0)).zero_variance
    assert Outcome(Choice("a"), (1.0, 0.0), 0).rewards == (1.0, 0.0)
