"""Our environments as tasksets of verifiers (0.3.1 and 0.4.0)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from ...environments import Environment, Task, load
from ...errors import UserError
from ..export import chosen


def to_verifiers(
    env: Environment | str, split: str = "train", level: int | Sequence[int] = 1, n: int = 1000
) -> Any:
    """A `Taskset` class of `n` different problems of each level.

    To install it for others, a module assigns it to a name and lists that in `__all__`. Its
    rewards are `correct`, and each part of our score as a metric; a grader that failed is an error
    there, not a 0.
    """
    try:
        vf: Any = importlib.import_module("verifiers.v1")
    except ImportError as error:
        raise UserError(
            f"this needs verifiers ({error}): pip install 'rlskills[verifiers]'"
        ) from None
    made = load(env) if isinstance(env, str) else env

    class Data(vf.TaskData):
        """A row: what verifiers knows, and our task as JSON."""

        answer: str | None = None
        rlskills: str

    class Graded(vf.Task[Data]):
        """A problem; its key is ours."""

        @property
        def key(self) -> str:
            return Task.from_json(self.data.rlskills).key

        @vf.reward(weight=1.0)
        async def correct(self, trace: Any) -> float:
            task = Task.from_json(self.data.rlskills)
            score = made.score(task, trace.last_reply, truncated=trace.is_truncated)
            if score.failed:
                raise RuntimeError(score.note)
            trace.record_metrics(score.parts)
            return score.reward

    class Problems(vf.Taskset[Graded, vf.TasksetConfig]):
        """Problems of one environment of rlskills."""

        def load(self) -> Iterator[Graded]:
            for task in chosen(made, split, level, n):
                *before, last = task.messages
                yield Graded(
                    Data(
                        prompt=last["content"] if not before else task.messages,
                        answer=task.answer,
                        rlskills=task.to_json(),
                    ),
                    self.config.task,
                )

    return Problems
