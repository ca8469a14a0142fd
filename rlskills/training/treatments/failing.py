"""Groups that failed, and another try at their tasks with help: for methods that deal with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from ...environments import Message
from ...environments.hints import first_steps, hinted
from ..batch import Rollout, RolloutBatch, graded
from .treatment import Sampler

ROLE = "deals with groups that fail"
Help: TypeAlias = Literal["steps", "definitions", "answer"]


def failed_groups(batch: RolloutBatch) -> list[list[Rollout]]:
    """Groups without a right answer, of which at least one rollout was graded."""
    return [
        group
        for group in batch.groups()
        if graded(group) and not any(rollout.score.correct for rollout in group)
    ]


def try_again(
    groups: Sequence[Sequence[Rollout]], sampler: Sampler, hint: Help, steps: int, n: int
) -> list[list[Rollout]]:
    """`n` rollouts with help for each group's task, for those that there is such help for.

    With `steps` replies begin with so many worked steps, and the prompt is the plain one; other
    help stands in the prompt.
    """
    found = [(group[0], with_help(group[0], hint, steps)) for group in groups]
    asked = [(rollout, *shown) for rollout, shown in found if shown is not None]
    if not asked:
        return []
    like, prompts, begun = (list(column) for column in zip(*asked, strict=True))
    rows = sampler.sample(like, prompts, n, begun if hint == "steps" else ())
    return [rows[i : i + n] for i in range(0, len(rows), n)]


def with_help(rollout: Rollout, hint: Help, steps: int = 1) -> tuple[Sequence[Message], str] | None:
    """What to ask, and how the reply begins; None without such help, and in several turns."""
    env, task = rollout.env, rollout.task
    if env.multi_turn:
        return None
    if hint == "steps":
        begun = first_steps(env, task, steps)
        return None if begun is None else (task.messages, begun)
    shown = hinted(env, task, hint)
    return None if shown is None else (shown, "")
