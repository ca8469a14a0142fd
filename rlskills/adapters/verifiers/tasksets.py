"""Tasksets of verifiers 0.3.1 and 0.4.0, by what both have: iteration, `data`, `key`, `score`.

A reply is graded on a trace of two nodes, made by hand: what was asked, what was replied.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Sequence
from itertools import islice
from typing import Any

from ...errors import UserError
from .sources import Row, plain, refuse, wait


class Tasksets:
    """A taskset and the rewards of its task class."""

    def __init__(self, taskset: str, module: Any, config: dict[str, Any], count: int) -> None:
        self.taskset = taskset
        exported = [getattr(module, name, None) for name in getattr(module, "__all__", ())]
        if any(_descends(member, "Env") for member in exported):
            raise refuse(taskset, "it runs its own episodes (it exports an Env)")
        found = [member for member in exported if _descends(member, "Taskset")]
        if len(found) != 1:
            raise refuse(taskset, f"its module exports {len(found)} Taskset classes, not one")
        try:
            loaded = _configured(found[0], taskset, config)
            tasks = list(islice(iter(loaded), count))
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"vf:{taskset}: cannot be loaded: {type(error).__name__}: {error}"
            ) from error
        if len(tasks) < 2:
            raise refuse(
                taskset, f"it has {len(tasks)} tasks, too few for a train and a test split"
            )
        self.sample = tasks[0]
        self._check(tasks[0])
        self.rows: Sequence[Row] = [self._row(task) for task in tasks]

    def _check(self, task: Any) -> None:
        if getattr(type(task), "NEEDS_CONTAINER", False) or getattr(task.data, "image", None):
            raise refuse(self.taskset, "its tasks need a container")
        needing = [fn.__name__ for fn in _rewards(task) if _needs_runtime(fn)]
        if needing:
            raise refuse(self.taskset, f"these rewards need a runtime: {', '.join(needing)}")
        if not _rewards(task):
            raise refuse(self.taskset, "its tasks have no rewards")
        tools = getattr(type(task), "toolsets", None)
        if tools is not None and tools(task.config):
            raise refuse(self.taskset, "its tasks need tools")

    def _row(self, task: Any) -> Row:
        data = task.data
        if not data.prompt:
            raise refuse(self.taskset, "a task has no opening prompt; another party would begin")
        asked = [{"role": "user", "content": data.prompt}]
        messages = asked if isinstance(data.prompt, str) else data.prompt
        system = [{"role": "system", "content": data.system_prompt}] if data.system_prompt else []
        answer = getattr(data, "answer", None)
        return Row(
            prompt=plain(self.taskset, [*system, *messages]),
            answer=None if answer is None else str(answer),
            key=task.key,
            task=json.loads(data.model_dump_json()),
        )

    def rewards(
        self, task: dict[str, Any], prompt: list[dict[str, str]], reply: str
    ) -> dict[str, tuple[float, float]]:
        """Value and weight of every reward; one that was not recorded is an error."""
        data = type(self.sample.data).model_validate(task)
        made = type(self.sample)(data, self.sample.config)
        trace = _trace(made, prompt, reply)
        wait(made.score(trace))
        if missing := [name for name, reward in trace.rewards.items() if reward is None]:
            raise ValueError(f"no value for {', '.join(missing)}")
        return {name: (reward.score, reward.weight) for name, reward in trace.rewards.items()}


def library(part: str) -> Any:
    """A module of verifiers, which need not be installed where this one is only read."""
    return importlib.import_module(f"verifiers.v1.{part}")


def _descends(found: Any, name: str) -> bool:
    """Whether a class has an ancestor of this name; the class itself may have moved."""
    return inspect.isclass(found) and any(base.__name__ == name for base in found.__mro__[1:])


def _configured(cls: Any, taskset: str, config: dict[str, Any]) -> Any:
    default = library("configs.taskset").TasksetConfig
    kind = library("utils.generic").concrete_type(cls, default) or default
    return cls(kind.model_validate({"id": taskset, **config}))


def _rewards(task: Any) -> list[Any]:
    return task.hooks("reward")


def _needs_runtime(fn: Any) -> bool:
    wanted = inspect.signature(fn).parameters.get("runtime")
    return wanted is not None and wanted.default is inspect.Parameter.empty


def _trace(task: Any, prompt: list[dict[str, str]], reply: str) -> Any:
    """Agent and run are left out: nothing ran, and no reward of one reply reads them."""
    graph, trace, types = library("graph"), library("trace"), library("types")
    kinds = {"system": types.SystemMessage, "user": types.UserMessage}
    nodes: list[Any] = []
    for message in prompt:
        kind = kinds.get(message["role"], types.AssistantMessage)
        parent = len(nodes) - 1 if nodes else None
        nodes.append(graph.MessageNode(parent=parent, message=kind(content=message["content"])))
    said = types.AssistantMessage(content=reply)
    nodes.append(graph.MessageNode(parent=len(nodes) - 1, message=said, sampled=True))
    about = trace.TraceTask.model_construct(
        type=type(task).__name__, data=task.data, key=task.key, hash=task.hash
    )
    agent = trace.AgentInfo.model_construct()
    return trace.Trace.model_construct(task=about, agent=agent, nodes=nodes, is_completed=True)
