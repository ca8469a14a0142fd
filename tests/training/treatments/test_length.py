"""Rewards with lengths in them: numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rlskills.environments import Task
from rlskills.errors import UserError
from rlskills.generation.engine import SamplingParams
from rlskills.training.batch import RolloutBatch
from rlskills.training.treatments import make_treatment, treatment_specs
from rlskills.training.treatments.testing import rollout_batch

from ..made import batch


def rewards(made: RolloutBatch) -> list[float]:
    return [float(row.reward) for row in made]


def shaped(spec: str, values: Sequence[float | None], lengths: Sequence[int]) -> list[float]:
    made = rollout_batch([values], [lengths])
    make_treatment(spec).shape(made)
    return rewards(made)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("brevity", [1.2, 1.1, 1, 0]),
        ("brevity?rule=sigmoid&weight=0.2", [0.9546, 0.9, 0.8454, 0]),
        ("brevity?rule=shortest&weight=0.01", [2, 1.8, 1.6, -0.1]),
    ],
)
def test_short_right_answers_earn_more(spec: str, expected: list[float]):
    assert shaped(spec, [1, 1, 1, 0], [20, 40, 60, 30]) == pytest.approx(expected, abs=1e-4)
    turned = shaped(spec, [0, 1, 1, 1], [30, 60, 20, 40])
    assert turned == pytest.approx([expected[i] for i in (3, 2, 0, 1)], abs=1e-4)


@pytest.mark.parametrize(
    ("rule", "alike", "wrong"),
    [
        ("range", [1.2, 1.2, 0], [0, 0.5]),
        ("sigmoid", [0.9, 0.9, 0], [0, 0.5]),
        ("shortest", [2, 2, -0.002], [-0.005, 0.995]),
    ],
)
def test_groups_without_a_difference_in_length_or_without_right_answers(rule, alike, wrong):
    assert shaped(f"brevity?rule={rule}", [1, 1, 0], [5, 5, 7]) == pytest.approx(alike)
    assert shaped(f"brevity?rule={rule}", [0, 0.5], [10, 20]) == pytest.approx(wrong)
    # Partial credit is no right answer; a single right one is like any others of one length.
    assert shaped(f"brevity?rule={rule}", [1], [9]) == pytest.approx(alike[:1])


def test_what_was_cut_off_is_never_short_and_what_was_not_graded_does_not_count():
    made = rollout_batch([[1, 1, 1, None]], [[2, 4, 6, 1]])
    made.rollouts[0].truncated = True
    treatment = make_treatment("brevity")
    treatment.shape(made)
    assert rewards(made)[:3] == pytest.approx([1, 1.2, 1])
    assert rewards(made)[3] != rewards(made)[3]
    assert treatment.metrics() == {"right_length": 5}


def efforts(spec: str, keys: Sequence[str], seed: int = 0) -> list[str]:
    treatment = make_treatment(spec, seed)
    treatment.sampling(SamplingParams(8), 0)
    tasks = [Task("chain", "train", 1, 0, "p", "x", (), 1, {}, key) for key in keys]
    return [list(treatment.prompt(task.messages, task))[-1]["content"] for task in tasks]


@pytest.mark.parametrize(("level", "expected"), [(0.5, [1, 0, 0, 0]), (1.2, [1, 1, 1, 0])])
def test_effort_keeps_the_reward_of_right_and_short_answers(level: float, expected: list[float]):
    treatment = make_treatment(f"effort?levels={level}")
    made = rollout_batch([[1, 1, 1, 0]], [[10, 20, 30, 40]])
    treatment.sampling(SamplingParams(64), 0)
    asked = treatment.prompt(made.rollouts[0].task.messages, made.rollouts[0].task)
    assert list(asked)[-1]["content"] == f"problem 0\nEffort: {level}"
    treatment.shape(made)
    assert rewards(made) == expected
    metrics = treatment.metrics()
    assert metrics["effort"] == level
    assert metrics["within"] == pytest.approx(sum(expected) / 3)


def test_effort_counts_neither_what_was_cut_off_nor_what_was_not_graded():
    treatment = make_treatment("effort?levels=1")
    made = rollout_batch([[1, 1, 0, None], [0, 0]], [[4, 8, 64, 1], [64, 64]])
    for row in (made.rollouts[2], made.rollouts[4], made.rollouts[5]):
        row.truncated = True
    for group in made.groups():
        treatment.prompt(group[0].task.messages, group[0].task)
    treatment.shape(made)
    assert rewards(made)[:3] == [1, 0, 0]  # at most 6 tokens
    assert rewards(made)[4:] == [0, 0]
    alone = rollout_batch([[1]], [[7]])
    treatment.shape(alone)
    assert rewards(alone) == [1]  # its own mean
    untold = make_treatment("effort?levels=0.1")
    untold.shape(alone)
    assert rewards(alone) == [1]


def test_efforts_are_drawn_for_each_problem_and_again_in_each_round():
    drawn = efforts("effort", [str(i) for i in range(99)])
    assert len(set(drawn)) == 5
    assert drawn == efforts("effort", [str(i) for i in range(99)])
    assert drawn != efforts("effort", [str(i) for i in range(99)], seed=1)
    assert len(set(efforts("effort", ["same"] * 20))) == 1
    treatment = make_treatment("effort")
    task = batch([1]).rollouts[0].task
    seen = set()
    for step in range(40):
        treatment.sampling(SamplingParams(8), step)
        seen.add(list(treatment.prompt(task.messages, task))[-1]["content"])
    assert len(seen) == 5


def test_only_the_last_message_changes():
    treatment = make_treatment("effort?levels=2&text=+{effort}x")
    task = Task("chain", "train", 1, 0, "p", "x", (), 1, {}, "k")
    before = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert list(treatment.prompt(before, task)) == [
        {"role": "system", "content": "s"}, {"role": "user", "content": "u 2x"},
    ]  # fmt: skip
    assert before[1]["content"] == "u"


def test_overlong_answers_are_punished_in_front_of_the_limit():
    treatment = make_treatment("overlong?cache=0.2")
    treatment.sampling(SamplingParams(100), 0)
    made = rollout_batch([[1, 1, 1, 0, None]], [[80, 90, 100, 110, 95]])
    treatment.shape(made)
    assert rewards(made)[:4] == pytest.approx([1, 0.5, 0, -1])
    assert rewards(made)[4] != rewards(made)[4]
    assert treatment.metrics()["penalty"] == pytest.approx(-2.5 / 4)
    assert shaped("overlong", [1], [10]) == [1]  # no round was sampled: no limit


def test_one_price_of_length_in_an_arm():
    with pytest.raises(UserError, match="cannot be combined: each prices length"):
        treatment_specs(["brevity", "overlong"])
    with pytest.raises(UserError, match="prices length"):
        treatment_specs(["effort", "brevity"])


@pytest.mark.parametrize(
    "spec",
    ["brevity?weight=0", "brevity?weight=nan", "brevity?rule=sigmoid&weight=1", "brevity?rule=x",
     "effort?levels=", "effort?levels=0,1", "effort?levels=nan", "effort?text=nothing",
     "overlong?cache=0", "overlong?cache=1.5", "overlong?cache=nan"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError, match=spec.split("?")[0]):
        make_treatment(spec)
