"""The environments of verifiers before 0.4: a dataset and a rubric behind `load_environment`.

That rubric turns an exception of a reward into 0.0 and a line in a log. Here it is raised again,
so that a broken reward is counted as one.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import signal
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from ...errors import UserError
from .sources import Row, plain, refuse, wait


class Environments:
    """An environment of one turn, and its rubric."""

    def __init__(self, taskset: str, config: dict[str, Any], count: int) -> None:
        self.taskset = taskset
        try:
            load_environment = importlib.import_module("verifiers.legacy").load_environment
        except ImportError:
            raise refuse(taskset, "environments of this kind need verifiers<0.4") from None
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            env = load_environment(taskset, **config)
            listed = list(islice(env.get_dataset(), count))
        except Exception as error:
            raise UserError(
                f"vf:{taskset}: cannot be loaded: {type(error).__name__}: {error}"
            ) from error
        finally:
            for number, handler in handlers.items():  # which loading replaced
                signal.signal(number, handler)
        if [kind.__name__ for kind in type(env).__mro__].count("SingleTurnEnv") == 0:
            raise refuse(taskset, "its episodes have several turns")
        if len(listed) < 2:
            raise refuse(taskset, f"it has {len(listed)} tasks, too few for train and test")
        self.rubrics = [rubric for rubric in _leaves(env.rubric) if any(rubric.weights)]
        if not self.rubrics:
            raise refuse(taskset, "its rubric has no rewards with a weight")
        self.raised: list[BaseException] = []
        for rubric in self.rubrics:
            rubric.funcs = [_watched(fn, self.raised) for fn in rubric.funcs]
        self.rows: Sequence[Row] = [self._row(row) for row in listed]

    def _row(self, row: dict[str, Any]) -> Row:
        prompt = row["prompt"]
        asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        kept = {"answer": row.get("answer", ""), "info": row.get("info") or {},
                "task": row.get("task", "default")}  # fmt: skip
        return Row(
            prompt=plain(self.taskset, asked),
            answer=str(row["answer"]) if row.get("answer") else None,
            key=str(row.get("example_id", "")),
            task=json.loads(json.dumps(kept, default=str)),
        )

    def rewards(
        self, task: dict[str, Any], prompt: list[dict[str, str]], reply: str
    ) -> dict[str, tuple[float, float]]:
        """Value and weight of every reward function with a weight."""
        types = importlib.import_module("verifiers.legacy.types")
        said = [{"role": "assistant", "content": reply}]
        state = types.State(input={"prompt": prompt, "example_id": 0, **task})
        for name, value in {"completion": said, "trajectory": [], "timing": {}}.items():
            state[name] = value
        self.raised.clear()
        found = {}
        for rubric in self.rubrics:
            wait(rubric.score_rollout(state))
            if self.raised:
                raise self.raised[0]
            for fn, weight in zip(rubric.funcs, rubric.weights, strict=True):
                found[fn.__name__] = (float(state["metrics"][fn.__name__]), weight)
        return {name: (value, weight) for name, (value, weight) in found.items() if weight}


def _leaves(rubric: Any) -> list[Any]:
    """The rubrics of a group, which adds ones of its own that only measure."""
    inner = getattr(rubric, "rubrics", None)
    return [rubric] if inner is None else [leaf for member in inner for leaf in _leaves(member)]


def _watched(fn: Callable[..., Any], raised: list[BaseException]) -> Callable[..., Any]:
    """The function itself, which also notes down what it raises."""

    @functools.wraps(fn)
    async def watched(*args: Any, **named: Any) -> Any:
        try:
            value = fn(*args, **named)
            return await value if inspect.isawaitable(value) else value
        except BaseException as error:
            raised.append(error)
            raise

    return watched
