"""Each method on numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.training.batch import RolloutBatch
from rlskills.training.treatments import make_treatment
from rlskills.training.treatments.step_credit import advantages

from ..made import batch, first, stepped


def credited(spec: str, made: RolloutBatch) -> RolloutBatch:
    treatment = make_treatment(spec)
    treatment.credit(made)
    treatment.select(made)
    return made


def test_grpo_divides_by_the_sample_deviation():
    made = credited("grpo", batch([1, 0, 0, 0]))
    assert first(made) == pytest.approx([1.4997, -0.4999, -0.4999, -0.4999], abs=1e-4)
    made = credited("grpo?scale=none", batch([1, 0, 0, 0]))
    assert first(made) == pytest.approx([0.75, -0.25, -0.25, -0.25])


def test_grpo_over_the_deviation_of_the_batch():
    made = credited("grpo?scale=batch", batch([1, 0], [1, 1]))
    std = torch.tensor([1.0, 0, 1, 1]).std().item()
    assert first(made) == pytest.approx([0.5 / (std + 1e-4), -0.5 / (std + 1e-4), 0, 0])


def test_grpo_leaves_out_what_failed_and_drops_groups_alike():
    made = credited("grpo", batch([1, 0, None], [1, 1, 1]))
    assert first(made)[2] == 0
    assert first(made)[0] == pytest.approx(-first(made)[1])
    assert [row.kept for row in made] == [True] * 3 + [False] * 3
    kept = credited("grpo?zero_variance=keep", batch([1, 1]))
    assert [row.kept for row in kept] == [True, True]


def test_under_penalties_wrong_and_unreadable_answers_differ():
    """Reward -1 for what cannot be read: a group of wrong answers of both kinds can teach."""
    made = credited("grpo", batch([0, -1, 0, 0]))
    assert all(row.kept for row in made)


def test_rft_keeps_the_first_right_ones():
    made = credited("rft?max_per_prompt=2", batch([1, 1, 1, 0], [0, 1, 0, 0]))
    assert [row.kept for row in made] == [True, True, False, False, False, True, False, False]
    assert set(first(made)) == {1.0}
    made = credited("rft?skip_solved=true", batch([1, 1], [1, 0]))
    assert [row.kept for row in made] == [False, False, True, False]


@pytest.mark.parametrize(
    ("right", "expected"),
    [(1, [7.0] + [-1.0] * 7), (2, [3.0] * 2 + [-1.0] * 6), (0, [0.0] * 8), (8, [0.0] * 8)],
)
def test_maxrl_divides_by_the_pass_rate(right: int, expected: list[float]):
    made = credited("maxrl", batch([1.0] * right + [0.0] * (8 - right)))
    assert first(made) == pytest.approx(expected)
    assert {row.kept for row in made} == {0 < right < 8}


def test_maxrl_counts_what_was_graded_and_can_be_clipped():
    made = credited("maxrl", batch([1, 0, 0, None]))
    assert first(made) == pytest.approx([2, -1, -1, 0])
    assert first(credited("maxrl?clip=4", batch([1] + [0] * 7)))[0] == 4


@given(st.integers(2, 8), st.floats(0.05, 0.95))
def test_maxrl_has_the_expected_gradient_of_its_theorem(n: int, p: float):
    """Over all outcomes: the gradient of log p to order n - 1, w = (1 - (1 - p)^(n-1)) / p."""
    from math import comb

    total = 0.0
    for k in range(n + 1):
        values = first(credited("maxrl", batch([1.0] * k + [0.0] * (n - k))))
        # The score function of a right completion is 1/p and of a wrong one -1/(1-p), times p'.
        mean = sum(a / p if i < k else -a / (1 - p) for i, a in enumerate(values)) / n
        total += comb(n, k) * p**k * (1 - p) ** (n - k) * mean
    assert total == pytest.approx((1 - (1 - p) ** (n - 1)) / p, rel=1e-5)


MYOPIC = [[0.25, 1 / 3, 0.5], [0.25, 1 / 3, -0.5], [0.25, -2 / 3, 0], [-0.75, 0, 0]]
TERMINAL = [[1 / 12, 1 / 6, 0.5], [1 / 12, 1 / 6, -0.5], [1 / 12, -1 / 3, 0], [-0.25, 0, 0]]


@pytest.mark.parametrize(("mode", "expected"), [("myopic", MYOPIC), ("terminal", TERMINAL)])
def test_step_credit_of_a_group_of_four(mode: str, expected: list[list[float]]):
    made = credited(f"step_credit?mode={mode}", stepped([3, 2, 1, 0]))
    for row, values in zip(made, expected, strict=True):
        assert row.advantages.tolist() == pytest.approx([*values, 0], abs=1e-6)


def test_step_credit_is_alive_where_all_answers_are_wrong():
    expected = [[0.25, 2 / 3, 0], [0.25, -1 / 3, 0], [0.25, -1 / 3, 0], [-0.75, 0, 0]]
    made = stepped([2, 1, 1, 0])
    credited("grpo", made)
    assert not made.kept
    credited("step_credit", made)
    for row, values in zip(made, expected, strict=True):
        assert row.advantages.tolist() == pytest.approx([*values, 0], abs=1e-6)
    assert len(made.kept) == 4
    terminal = credited("step_credit?mode=terminal", stepped([2, 1, 1, 0]))
    assert not any(row.advantages.any() for row in terminal)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=8))
def test_terminal_credit_only_redistributes(reached: list[int]):
    rate = sum(count == 4 for count in reached) / len(reached)
    for count, values in zip(reached, advantages(reached, 4, "terminal"), strict=True):
        assert sum(values) == pytest.approx((count == 4) - rate, abs=1e-9)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=8))
def test_each_step_sums_to_zero_over_those_that_reach_it(reached: list[int]):
    for column in zip(*advantages(reached, 4, "myopic"), strict=True):
        assert sum(column) == pytest.approx(0, abs=1e-9)


def test_right_answers_with_a_wrong_step_keep_their_advantage():
    made = stepped([3, 1, 0], right=[True, True, False])
    credited("grpo?scale=none", made)
    before = first(made)
    credited("step_credit", made)
    assert made.rollouts[1].advantages.tolist() == pytest.approx([before[1]] * 4)
    assert made.rollouts[0].advantages[3] == 0


def test_step_credit_adds_to_what_stands_there():
    made = stepped([3, 0])
    credited("maxrl", made)
    credited("step_credit?add=true&weight=0.5", made)
    assert made.rollouts[0].advantages.tolist() == pytest.approx([1.25, 1, 1, 1])
    assert made.rollouts[1].advantages.tolist() == pytest.approx([-1.25, -1, -1, -1])


def test_without_steps_nothing_changes():
    made = credited("step_credit", credited("grpo", batch([1, 0])))
    assert first(made) == pytest.approx([0.7070, -0.7070], abs=1e-3)


def stepwise(
    reached: list[int], right: list[bool], status: list[str], form: float = 1.0
) -> RolloutBatch:
    """One group of three steps, whose completions are all in the form asked for, or none is."""
    made = stepped(reached, right=right)
    for row, said in zip(made, status, strict=True):
        parts = {**row.score.parts, "format": form * (said == "ok")}
        row.score = replace(row.score, status=said, parts=parts)
    return made


def test_step_reward_of_a_group_of_four():
    """All steps and two of three, right; two, wrong; no answer."""
    made = stepwise([3, 2, 2, 2], [True, True, False, False], ["ok", "ok", "ok", "unparsed"])
    treatment = make_treatment("step_reward")
    treatment.shape(made)
    assert [row.reward for row in made] == pytest.approx([2.1, 2.0667, 1.0667, 0], abs=1e-4)
    assert treatment.metrics() == pytest.approx({"steps": 7 / 12, "form": 0.75})
    credited("grpo", made)
    assert first(made) == pytest.approx([0.7953, 0.7618, -0.2428, -1.3144], abs=1e-4)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [("std", [0, 1.2203, -1.2203, 0]), ("none", [0, 0.0333, -0.0333, 0])],
)
def test_step_reward_is_alive_where_all_answers_are_wrong(scale: str, expected: list[float]):
    made = stepwise([1, 2, 0, 1], [False] * 4, ["ok"] * 4, form=0.0)
    make_treatment("step_reward").shape(made)
    assert [row.reward for row in made] == pytest.approx([0.0333, 0.0667, 0, 0.0333], abs=1e-4)
    grpo = "grpo" if scale == "std" else "grpo?scale=none"
    assert first(credited(grpo, made)) == pytest.approx(expected, abs=1e-4)


def test_step_reward_leaves_what_has_no_answer_or_no_grade():
    made = stepwise([3, 3, 3], [True] * 3, ["ok", "truncated", "grader_error"])
    made.rollouts[2].reward = float("nan")
    make_treatment("step_reward?weight=0.3&form=0").shape(made)
    found = [row.reward for row in made]
    assert found[:2] == pytest.approx([1.3, 1.0])
    assert found[2] != found[2]
    plain = batch([1, 0])
    make_treatment("step_reward").shape(plain)
    assert [row.reward for row in plain] == [1, 0]
    for wrong in ("weight=-1", "form=-0.5"):
        with pytest.raises(UserError, match="must not be negative"):
            make_treatment(f"step_reward?{wrong}")
