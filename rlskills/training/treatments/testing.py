"""Rounds made by hand, without a model: for the tests of a treatment."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from ...curricula import Choice
from ...environments import Draft, Environment, Score, StepScore, Task
from ...environments.steps import StepForm
from ..batch import Rollout, RolloutBatch

STEPS = 3
_FORM = StepForm(";", "<", re.compile(r"s\d"), str)


class Chain(Environment):
    """Tasks of three steps, solved by `s1;s2;s3;` and the answer."""

    name = "chain"

    def make(self, rng: random.Random, cfg: object) -> Draft:
        """A problem that no test draws."""
        return Draft("problem", "answer")

    def step_count(self, task: Task) -> int:
        """Steps of every task."""
        return STEPS

    def solution(self, task: Task) -> str:
        """The steps, then the answer."""
        return "".join(f"s{step};" for step in range(1, STEPS + 1)) + self.answer_only(task)

    def steps(self, task: Task, completion: str) -> Sequence[StepScore]:
        """What `solution` writes."""
        return _FORM.read(completion, [f"s{step}" for step in range(1, STEPS + 1)])


def graded(reward: float | None, correct: bool | None = None) -> Score:
    """A score of this reward, right if it is 1 or if `correct` says so; None: grading failed."""
    if reward is None:
        return Score(False, 0.0, {"answer": 0.0}, "grader_error", None)
    right = reward == 1 if correct is None else correct
    return Score(right, reward, {"answer": float(right)}, "ok", "")


def made_rollout(
    group: int, reward: float | None, length: int = 3, correct: bool | None = None, **more: Any
) -> Rollout:
    """A rollout of `length` tokens, all `10 + group`, for a prompt of `group + 1` tokens."""
    task = Task("chain", "train", 1, group, f"problem {group}", "x", (), 1, {}, str(group))
    return Rollout(
        Chain(), task, Choice(f"u{group}"), group, [3] * (group + 1), [10 + group] * length,
        [1] * length, "text", False, graded(reward, correct), **more,
    )  # fmt: skip


def rollout_batch(
    rewards: Sequence[Sequence[float | None]], lengths: Sequence[Sequence[int]] | None = None
) -> RolloutBatch:
    """One group for each sequence of rewards; `lengths` in tokens are 3 unless given."""
    return RolloutBatch(
        [
            made_rollout(i, reward, lengths[i][j] if lengths else 3)
            for i, group in enumerate(rewards)
            for j, reward in enumerate(group)
        ]
    )


def stepped_batch(
    reached: Sequence[int], depth: int = STEPS, right: Sequence[bool] = ()
) -> RolloutBatch:
    """One group whose rollouts have so many leading steps right; step s is token s - 1.

    A rollout has its first wrong step too, as the last of its steps; the answer is right if all
    steps are, unless `right` says otherwise. One more token follows the steps.
    """
    rows = []
    for i, count in enumerate(reached):
        steps = [(s, s + 1, True) for s in range(count)]
        steps += [(count, count + 1, False)] * (count < depth)
        done = right[i] if right else count == depth
        rows.append(made_rollout(0, float(done), depth + 1, done, steps=tuple(steps)))
    return RolloutBatch(rows)
