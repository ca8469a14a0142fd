"""Grading completions: in this process, or in killable workers where a grader is not trusted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from ..errors import UserError
from .guard import ENDINGS, end_copies, sent_by_signal
from .types import Score, StepScore, Task

if TYPE_CHECKING:
    from .environment import Environment

Call: TypeAlias = tuple[Task, str, bool]
"""A task, a completion, and whether it was truncated."""


class GraderError(UserError):
    """A grader raised. The run stops: a broken grader is neither right nor wrong."""


def grade(env: Environment, task: Task, completion: str, truncated: bool) -> Score:
    """Grade one completion here and now; an exception of the author's code is a `GraderError`.

    So is an attempt to end the process. A copy of the process that the code made ends here.
    """
    owner = os.getpid()
    try:
        parsed = None if truncated else env.parse(completion)
        parts = _parts(env, task, completion, parsed)
        steps = _steps(env, task, completion)
        if bad := [name for name, value in parts.items() if not 0.0 <= value <= 1.0]:
            raise ValueError(f"{bad[0]} is {parts[bad[0]]}, outside [0, 1]")
    except (Exception, *ENDINGS) as error:
        if isinstance(error, ENDINGS) and sent_by_signal(error):
            raise
        raise GraderError(
            f"the grader of {env.name} raised {type(error).__name__}: {error}"
            f"\n  task: {task.to_json()[:2000]}\n  completion: {completion[:2000]!r}"
        ) from error
    finally:
        end_copies(owner)
    reward = sum(weight * parts.get(part, 0.0) for part, weight in env.weights.items())
    status = "truncated" if truncated else "unparsed" if parsed is None else "ok"
    return Score(parts["answer"] == 1.0, reward, parts, status, parsed, steps=steps)


def _steps(env: Environment, task: Task, completion: str) -> tuple[StepScore, ...]:
    """The steps that the environment reads, checked: spans in order, inside the completion."""
    steps, behind = tuple(env.steps(task, completion)), 0
    for step in steps:
        if not behind <= step.start < step.end <= len(completion):
            raise ValueError(f"{step} is empty, out of order or outside the completion")
        if step.value is not None and not step.start <= step.value <= step.end:
            raise ValueError(f"the value of {step} is outside of it")
        behind = step.end
    return steps


def _parts(env: Environment, task: Task, completion: str, parsed: str | None) -> dict[str, float]:
    if parsed is None:
        return {"answer": 0.0, "format": 0.0, "malformed": 1.0}
    parts = {
        "answer": float(env.verify(task, parsed)),
        "format": float(env.well_formed(completion)),
        "malformed": 0.0,
    }
    if env.reward_components:
        parts |= {name: float(value) for name, value in env.component_scores(task, parsed).items()}
    return parts


def score_batch(calls: Iterable[tuple[Environment, Task, str, bool]]) -> list[Score]:
    """Grade completions of several environments, in order; each environment gets one batch."""
    listed = list(calls)
    batches: dict[Environment, list[int]] = {}
    for place, (env, *_) in enumerate(listed):
        batches.setdefault(env, []).append(place)
    scores: dict[int, Score] = {}
    for env, places in batches.items():
        tasks, texts, cut = zip(*(listed[place][1:] for place in places), strict=True)
        scores |= zip(places, env.scores(tasks, texts, cut), strict=True)
    return [scores[place] for place in range(len(listed))]


def calls_of(
    tasks: Sequence[Task], completions: Sequence[str], truncated: Sequence[bool] | None
) -> list[Call]:
    """One call for each completion; a length that differs is a `UserError`."""
    cut = [False] * len(tasks) if truncated is None else truncated
    if not len(tasks) == len(completions) == len(cut):
        raise UserError(
            f"{len(tasks)} tasks, {len(completions)} completions and {len(cut)} marks of "
            "truncation cannot be paired"
        )
    return list(zip(tasks, completions, cut, strict=True))


__all__ = ["Call", "GraderError", "calls_of", "grade", "score_batch"]
