"""Advantages from how likely a teacher finds each token: another model, or the same with help."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rlskills.environments.hints import hinted
from rlskills.errors import UserError
from rlskills.training.batch import Rollout
from rlskills.training.treatments import make_treatment

from ..made import batch, rollout
from .test_contract import Extra
from .test_rescue import arm

STUDENT = torch.tensor([-1.0, -0.1, -0.5])
TEACHER = torch.tensor([-0.2, -0.3, -2.0])
GAIN = [0.8, -0.2, -1.5]


class Teaching(Extra):
    """The same log-probabilities for all rows; it notes which model read behind which prompts."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.prompts: list[Any] = []
        self.copies: set[int] = set()

    def behind(self, rows: Any, prompts: Any) -> list[Rollout]:
        self.prompts = list(prompts)
        self.kept = [rollout(row.group, 0.0, len(row.ids)) for row in rows]
        self.copies = {id(row) for row in self.kept}
        return self.kept

    def logprobs(self, rows: Any, model: str = "") -> list[torch.Tensor]:
        self.asked.append((model, len(rows)))
        taught = bool(model) or id(rows[0]) in self.copies
        return [(TEACHER if taught else STUDENT)[: len(row.ids)] for row in rows]


def test_a_teacher_adds_what_it_finds_likelier():
    made = batch([1, 0, 0, 0])
    *_, treatment = arm(["grpo?scale=none", "distillation"], made, Teaching())
    for row, advantage in zip(made, [0.75, -0.25, -0.25, -0.25], strict=True):
        assert row.advantages.tolist() == pytest.approx([advantage + gain for gain in GAIN])
    assert treatment.metrics() == pytest.approx({"weight": 1.0, "divergence": 0.9 / 3})


def test_the_one_sample_form_has_the_divergence_as_its_mean():
    teacher, policy = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.4, 0.4, 0.2])
    assert (policy * (teacher.log() - policy.log())).sum().item() == pytest.approx(-0.192, abs=1e-3)


def test_without_the_reward_only_the_teacher_counts():
    made = batch([1, 0], [0, 0], [1, 1])
    arm(["distillation?reward=false&weight=0.5"], made, Teaching())
    for row in made:
        assert row.advantages.tolist() == pytest.approx([0.5 * gain for gain in GAIN])
        assert row.has_gradient


def test_groups_alike_learn_from_the_teacher_and_ungraded_rollouts_do_not():
    made = batch([1, 1], [0, 0], [0, None], [0], [None])
    sampler = Teaching()
    arm(["distillation"], made, sampler)
    assert sampler.asked == [("", 6), ("start", 6)]
    for row in made:
        if row.score.failed:
            assert not row.has_gradient
        else:
            assert row.advantages.tolist() == pytest.approx(GAIN)


def test_rejected_rollouts_learn_from_the_teacher_alone():
    made = batch([1, 0])
    arm(["rft", "distillation"], made, Teaching())
    assert made.rollouts[0].advantages.tolist() == pytest.approx([1 + gain for gain in GAIN])
    assert made.rollouts[1].advantages.tolist() == pytest.approx(GAIN)


@pytest.mark.parametrize(("step", "weight"), [(0, 2.0), (25, 1.5), (50, 1.0), (100, 0), (120, 0)])
def test_the_weight_falls_in_a_straight_line(step: int, weight: float):
    made, sampler = batch([1, 0], [0, 0]), Teaching()
    made.step = step
    *_, treatment = arm(
        ["grpo?scale=none", "distillation?weight=2&steps=100&teacher=./big"], made, sampler
    )
    expected = [0.5 + weight * gain for gain in GAIN]
    assert made.rollouts[0].advantages.tolist() == pytest.approx(expected)
    assert treatment.metrics()["weight"] == weight
    assert sampler.asked == ([("", 4), ("./big", 4)] if weight else [])
    assert made.rollouts[2].has_gradient == bool(weight)


def test_what_the_policy_did_not_write_is_not_taught():
    made = batch([0, 0])
    made.rollouts[0].mask = [1, 0, 1]
    arm(["distillation"], made, Teaching())
    assert made.rollouts[0].advantages.tolist() == pytest.approx([0.8, 0, -1.5])


# self_distillation


def test_the_model_with_help_teaches_the_one_without():
    made, sampler = batch([1, 0], [0, 0]), Teaching()
    *_, treatment = arm(["grpo?scale=none", "self_distillation?weight=2"], made, sampler)
    assert sampler.asked == [("", 2), ("start", 2)]
    assert [row.advantages[0].item() for row in made.rollouts[:2]] == [0.5, -0.5]
    for row in made.rollouts[2:]:
        assert row.advantages.tolist() == pytest.approx([2 * gain for gain in GAIN])
        assert row.has_gradient
    (content,) = [messages[-1]["content"] for messages in sampler.prompts[:1]]
    assert content == "problem 1\n(A solution: s1;s2;s3;<answer>x</answer>)"
    assert treatment.metrics() == pytest.approx({"taught": 0.5, "divergence": 0.3})


def test_the_policy_can_teach_and_all_groups_can_learn():
    made, sampler = batch([1, 0], [0, 0], [1, 1]), Teaching()
    arm(
        ["grpo?scale=none", "self_distillation?teacher=policy&where=all&hint=answer"],
        made,
        sampler,
    )
    assert sampler.asked == [("", 6), ("", 6)]
    assert "(The answer is x.)" in sampler.prompts[0][-1]["content"]
    for row, advantage in zip(made, [0.5, -0.5, 0, 0, 0, 0], strict=True):
        assert row.advantages.tolist() == pytest.approx([advantage + gain for gain in GAIN])


def test_tasks_without_help_and_ungraded_rollouts_are_not_taught():
    made, sampler = batch([0, 0]), Teaching()
    arm(["self_distillation?hint=definitions"], made, sampler)
    assert not sampler.asked
    assert not made.kept
    made = batch([0, None], [None, None], [0])
    arm(["self_distillation"], made, sampler)
    assert [row.has_gradient for row in made] == [True, False, False, False, True]


def test_a_solution_without_steps_is_no_help():
    row = rollout(0, 0.0)

    class Bare(type(row.env)):
        def solution(self, task: Any) -> str:
            return self.answer_only(task)

    assert hinted(Bare(), row.task, "solution") is None


@pytest.mark.parametrize(
    "spec",
    ["distillation?teacher=", "distillation?weight=0", "distillation?weight=nan",
     "distillation?steps=-1", "distillation?steps=5&reward=false", "self_distillation?weight=0",
     "self_distillation?weight=nan", "self_distillation?hint=steps",
     "self_distillation?teacher=other", "self_distillation?where=none"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError, match=spec.partition("?")[0]):
        make_treatment(spec)
