"""Problems that come back: which, how often, and what the curriculum inside is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.curricula import Choice, Outcome, make

MIXED, WRONG, RIGHT = (1.0, 0.0, 1.0, 0.0), (0.0,) * 4, (1.0,) * 4


def teacher(options: str = "", units: Sequence[str] = ("a",)) -> Any:
    return make(f"replay?inner=bidirectional_lp{options}", units, 0)


def give(one: Any, k: int, rates: Sequence[tuple[float, ...]], fresh: list[int]) -> list[Choice]:
    """A step of `k` groups, as a task stream addresses them; `fresh` counts new problems."""
    given = []
    for choice in one.sample(k):
        if choice.problem is None:
            choice = replace(choice, problem=fresh[0])
            fresh[0] += 1
        given.append(choice)
    one.observe([Outcome(c, r, one.step) for c, r in zip(given, rates, strict=True)])
    return given


def test_a_mixed_problem_comes_back_and_one_that_was_not_does_not():
    one, fresh = teacher(), [0]
    give(one, 2, [MIXED, WRONG], fresh)
    again = one.sample(2)
    assert [(c.problem, c.tag) for c in again] == [(0, "replay"), (None, "")]


def test_the_problem_nearest_one_half_comes_first_then_the_latest():
    one, fresh = teacher("&share=1"), [0]
    give(one, 3, [(1.0, 0.0, 0.0, 0.0), MIXED, WRONG], fresh)
    give(one, 0, [], fresh)
    one.observe([Outcome(Choice("a", problem=7), MIXED, 1)])
    assert [c.problem for c in one.sample(3)] == [1, 7, 0]


def test_only_a_share_of_a_batch_comes_back():
    one, fresh = teacher("&share=0.5"), [0]
    give(one, 6, [MIXED] * 6, fresh)
    assert sum(c.tag == "replay" for c in one.sample(4)) == 2
    one = teacher("&share=0.2")
    give(one, 6, [MIXED] * 6, [0])
    assert sum(c.tag == "replay" for c in one.sample(4)) == 0


def test_a_problem_comes_back_as_often_as_allowed_while_it_is_mixed():
    one, fresh = teacher("&share=1&uses=2"), [0]
    give(one, 1, [MIXED], fresh)
    assert give(one, 1, [MIXED], fresh)[0].problem == 0
    assert give(one, 1, [MIXED], fresh)[0].problem == 0
    assert give(one, 1, [WRONG], fresh)[0].problem == 1  # a new one
    give(one, 1, [MIXED], fresh)
    assert give(one, 1, [RIGHT], fresh)[0].problem == 2
    assert one.sample(1)[0].problem is None  # solved at its first return


def test_problems_are_forgotten_after_some_steps_and_beyond_some_number():
    one, fresh = teacher("&share=1&age=2&keep=2"), [0]
    give(one, 3, [MIXED] * 3, fresh)
    assert {c.problem for c in one.sample(3)} == {1, 2, None}
    one, fresh = teacher("&share=1&age=2"), [0]
    give(one, 1, [MIXED], fresh)
    one.sample(0)
    for _ in range(3):
        one.inner.step += 1
    one.step = one.inner.step
    assert one.sample(1)[0].problem is None


def test_what_comes_back_is_not_shown_to_the_curriculum_inside():
    one, fresh = teacher("&share=1"), [0]
    give(one, 1, [MIXED], fresh)
    before = one.inner.progress.fast.tolist()
    give(one, 1, [MIXED], fresh)
    assert one.inner.progress.fast.tolist() == before
    assert one.groups.tolist() == [1.0]


def test_learning_problems_by_heart_ends_it():
    one, fresh, gained = teacher("&share=1&limit=0.1&uses=99"), [0], (1.0, 1.0, 1.0, 0.0)
    give(one, 4, [MIXED] * 4, fresh)
    assert one.share == 1
    for step in range(99):
        # Problems that come back have gained 1/4, new ones of the unit nothing.
        back = [choice for choice in one.sample(4) if choice.tag == "replay"]
        one.observe([Outcome(c, gained, step) for c in back])
        if not back:
            break
    # 1/4 (1 - .95^n) after n returns; of a batch of four, less than a quarter is nothing
    assert 0.075 < one.memorised < 0.1
    assert one.share < 0.25
    assert set(one.metrics()) >= {"waiting", "memorised", "may_return"}


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(st.lists(st.sampled_from([MIXED, WRONG, RIGHT]), min_size=1, max_size=6),
                   max_size=12),
    share=st.sampled_from([0.0, 0.3, 1.0]),
)  # fmt: skip
def test_what_comes_back_was_mixed_when_last_seen_and_the_state_says_all(steps, share: float):
    one, fresh, last = teacher(f"&share={share}&uses=3", ("a", "b")), [0], {}
    for rates in steps:
        two = teacher(f"&share={share}&uses=3", ("a", "b"))
        two.load_state_dict(json.loads(json.dumps(one.state_dict())))
        assert two.sample(len(rates)) == one.sample(len(rates))
        one.load_state_dict(two.state_dict())
        for choice, seen in zip(give(one, len(rates), rates, fresh), rates, strict=True):
            if choice.tag == "replay":
                assert last[choice.unit, choice.problem] == MIXED
            last[choice.unit, choice.problem] = seen


def test_units_come_as_the_curriculum_inside_draws_them():
    one, alone = teacher("", ("a", "b")), make("bidirectional_lp", ("a", "b"), 0)
    assert one.probabilities() == pytest.approx(alone.probabilities())
    assert [c.unit for c in one.sample(20)] == [c.unit for c in alone.sample(20)]
