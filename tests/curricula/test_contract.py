"""What every curriculum in the catalogue must keep."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.curricula import CATALOGUE, Choice, Curriculum, Mixture, Outcome, Uniform
from rlskills.errors import UserError

UNITS = ["L1", "L2", "L3", "far"]


def make(name: str, seed: int = 0) -> Any:
    if name == "mixture":
        return Mixture(UNITS, seed, weights={unit: i + 1.0 for i, unit in enumerate(UNITS)})
    return CATALOGUE[name](UNITS, seed)


every = pytest.mark.parametrize("name", sorted(CATALOGUE))


@every
def test_is_a_curriculum(name: str):
    assert isinstance(make(name), Curriculum)
    assert make(name).name == name


@every
@given(st.lists(st.integers(0, 5), max_size=6), st.integers(0, 5))
def test_state_through_json_continues_the_same_draws(name: str, before: list[int], after: int):
    one = make(name, seed=3)
    for k in before:
        choices = one.sample(k)
        one.observe([Outcome(choice, (0.0, 1.0), 1) for choice in choices])
    two = make(name, seed=99)
    two.load_state_dict(json.loads(json.dumps(one.state_dict())))
    assert two.sample(after) == one.sample(after)
    assert two.state_dict() == one.state_dict()


@every
def test_probabilities_sum_to_one_and_are_what_is_drawn(name: str):
    one = make(name)
    chances = one.probabilities()
    assert abs(sum(chances.values()) - 1) < 1e-9
    assert set(chances) == set(UNITS)
    drawn = one.sample(20_000)
    for unit, chance in chances.items():
        share = sum(c.unit == unit for c in drawn) / len(drawn)
        assert abs(share - chance) < 0.02
    assert all(choice.prob == chances[choice.unit] for choice in drawn)
    assert one.sample(0) == []


@every
@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Choice("L1"), (float("nan"),), 1),
        Outcome(Choice("L1"), (0.0, float("inf")), 1),
        Outcome(Choice("L1"), (-1.0,), 1),
        Outcome(Choice("nowhere"), (1.0,), 1),
    ],
)
def test_bad_outcomes_are_one_error_and_change_nothing(name: str, outcome: Outcome):
    one = make(name)
    before = one.state_dict()
    with pytest.raises(UserError):
        one.observe([outcome])
    assert one.state_dict() == before


@every
def test_foreign_state_is_refused(name: str):
    one = make(name)
    state = one.state_dict()
    for change in ({"name": "other"}, {"version": 99}, {"pool": "another"}, {"options": {"a": 1}}):
        with pytest.raises(UserError, match="state has"):
            make(name).load_state_dict(state | change)


def test_impossible_pools_are_refused():
    with pytest.raises(UserError, match="empty"):
        Uniform([])
    with pytest.raises(UserError, match="not distinct"):
        Uniform(["a", "a"])
    with pytest.raises(UserError, match="all zero"):
        Mixture(list({"a": 0.0}), weights={"a": 0.0})
    with pytest.raises(UserError, match="not negative"):
        Mixture(list({"a": -1.0, "b": 2.0}), weights={"a": -1.0, "b": 2.0})
    with pytest.raises(UserError, match="finite"):
        Mixture(list({"a": float("nan")}), weights={"a": float("nan")})
    with pytest.raises(UserError, match="options"):
        Mixture(list({"a": 1.0, "b": 1.0}), weights={"a": 1.0, "b": 1.0}).load_state_dict(
            Mixture(list({"a": 2.0, "b": 1.0}), weights={"a": 2.0, "b": 1.0}).state_dict()
        )


def test_dead_groups_are_known():
    assert Outcome(Choice("a"), (1.0, 1.0), 0).dead
    assert not Outcome(Choice("a"), (1.0, 0.0), 0).dead
