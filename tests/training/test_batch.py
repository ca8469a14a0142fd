"""`RolloutBatch`: groups, the rows of an update, and the tensors made from them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rlskills.training.batch import RolloutBatch, choose_rows, loss_inputs, zero_variance

from .made import batch, rollout

masks = st.lists(st.booleans(), min_size=8, max_size=8)


def test_groups_leave_out_what_was_added():
    made = batch([1, 0], [0, 0])
    made.add([rollout(1, 1)])
    assert [len(group) for group in made.groups()] == [2, 2]
    assert [len(group) for group in made.groups(added=True)] == [2, 3]
    assert len(made) == 5
    assert made.rewards().tolist() == [1, 0, 0, 0]


def test_outcomes_are_of_graded_rollouts_and_hold_pass_rates_and_rewards_apart():
    made = batch([1, 0, None], [None, None])
    made.rollouts[1].score = rollout(0, -1.0, correct=False).score
    first, second = made.outcomes()
    assert (first.pass_rates, first.rewards) == ((1.0, 0.0), (1.0, -1.0))
    assert second.pass_rates == ()
    assert first.choice.unit == "u0"


def test_zero_variance_is_by_reward_among_the_graded():
    assert zero_variance(batch([1, None, 1]).rollouts)
    assert zero_variance(batch([None, None]).rollouts)
    assert not zero_variance(batch([0, -1, 0]).rollouts)


def test_a_value_is_for_every_token_or_one_for_each():
    row = rollout(0, 1)
    row.credit(2.0)
    assert row.advantages.tolist() == [2, 2, 2]
    row.credit([1, 2, 3])
    assert row.advantages.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="for 3 tokens"):
        row.credit([1, 2])
    row.drop()
    assert not row.kept
    row.weigh(ce=0.5)
    assert row.kept


@given(st.lists(masks, min_size=1, max_size=3), st.sampled_from([1, 2, 4]), st.integers(1, 30))
def test_kept_rows_come_first_and_others_only_fill_up(keeps, multiple, limit):
    rounds = [batch([0] * 4, [1] * 4) for _ in keeps]
    for made, keep in zip(rounds, keeps, strict=True):
        for row, wanted in zip(made, keep, strict=True):
            row.weigh(rl=float(wanted))
    wanted = [row for made in rounds for row in made if row.kept]
    rows, fillers = choose_rows(rounds, limit, multiple)
    trained = rows[: len(rows) - fillers]
    assert [id(row) for row in trained] == [id(row) for row in wanted[:limit]]
    assert len(rows) % multiple == 0
    assert 1 <= len(rows) <= max(multiple, len(trained) + multiple - 1)


def test_added_rows_come_on_top_of_the_limit():
    made = batch([1, 0], [1, 0])
    extra = rollout(1, 1)
    extra.weigh(0.0, 1.0)
    made.add([extra])
    rows, fillers = choose_rows([made], limit=2, multiple=1)
    assert (len(rows), fillers) == (3, 0)
    assert rows[2] is extra


def test_tensors_are_padded_left_and_right_and_weighted():
    long, short = rollout(2, 1, length=4), rollout(0, 0, length=2)
    long.credit([1, 2, 3, 4])
    long.weigh(rl=[1, 0.5, 0, 1])
    long.mask[3] = 0  # an observation
    short.credit(-1.0)
    inputs = loss_inputs([long, short], 0, pad=0, device="cpu")
    assert inputs["prompt_ids"].tolist() == [[3, 3, 3], [0, 0, 3]]
    assert inputs["prompt_mask"].tolist() == [[1, 1, 1], [0, 0, 1]]
    assert inputs["completion_ids"].tolist() == [[12, 12, 12, 12], [10, 10, 0, 0]]
    assert inputs["completion_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert inputs["tool_mask"].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0]]
    assert inputs["advantages"].tolist() == [[1, 1, 0, 4], [-1, -1, 0, 0]]
    assert "ce_weight" not in inputs


def test_what_fills_up_is_read_and_not_learned():
    row = rollout(0, 1)
    row.credit(1.0)
    row.weigh(ce=1.0)
    inputs = loss_inputs([row, row], 1, pad=0, device="cpu")
    assert inputs["advantages"].tolist() == [[1, 1, 1], [0, 0, 0]]
    assert inputs["ce_weight"].tolist() == [[1, 1, 1], [0, 0, 0]]
    assert inputs["tool_mask"].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_failed_grade_is_no_reward():
    assert math.isnan(rollout(0, None).reward)
    made = RolloutBatch([rollout(0, None), rollout(0, 1)])
    assert torch.isnan(made.rewards()).tolist() == [True, False]
