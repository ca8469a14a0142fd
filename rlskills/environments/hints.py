"""Help with a problem that makes it easier: shown beside it, or as the beginning of the answer.

An environment knows its problems exactly, so help needs no other model: definitions of the
functions used, where it can show them, the final answer, the worked solution or its first steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from .environment import Environment
from .types import Message, Task

Hint: TypeAlias = Literal["definitions", "answer", "solution"]


def hinted(env: Environment, task: Task, hint: Hint) -> Sequence[Message] | None:
    """The messages of a task with help in them; None where the environment has no such help."""
    if hint == "definitions":
        return env.with_definitions(task)
    if hint == "answer":
        shown = None if task.answer is None else f"(The answer is {task.answer}.)"
    else:
        worked = env.solution(task)
        shown = None if worked == env.answer_only(task) else f"(A solution: {worked})"
    if shown is None:
        return None
    *before, last = task.messages
    return (*before, {"role": last["role"], "content": f"{last['content']}\n{shown}"})


def first_steps(env: Environment, task: Task, count: int) -> str | None:
    """The worked solution up to the end of step `count`, without the last step, which shows the
    answer; None where the environment has no solution whose steps it reads."""
    solution = env.solution(task)
    steps = env.steps(task, solution)
    count = min(count, len(steps) - 1)
    # What stands between two steps belongs to the one before.
    return solution[: steps[count].start] if count > 0 else None
