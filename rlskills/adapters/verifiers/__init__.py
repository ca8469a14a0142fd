"""`vf:ID`: an installed taskset of verifiers as an environment (extra `verifiers`).

Two generations of that library are read: tasksets (0.3.1 and 0.4.0) and, below 0.4, the older
environments with a `load_environment`. Of either only what can be graded from one reply is taken;
what needs a sandbox, tools, several turns or an opening by another party is refused by name.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ...environments import Draft, Environment, Task
from ...environments.types import JSON
from ...errors import UserError
from .sources import Source


class Verifiers(Environment):
    """What all tasksets share; `find` makes a subclass of each."""

    @dataclass(frozen=True)
    class Config(Environment.Config):
        """How a taskset is loaded and read."""

        config: str = "{}"
        """The taskset's own configuration, as a JSON object."""
        tasks: int = 1000
        """Tasks taken from its beginning; some have no end."""
        correct: str = ""
        """The reward that says what is right; empty: all of them, by their weights."""

        def __post_init__(self) -> None:
            """Refuse what could not be loaded."""
            if not isinstance(json.loads(self.config), dict):
                raise ValueError(f"config must be a JSON object, not {self.config}")
            if self.tasks < 2:
                raise ValueError(f"tasks must be at least 2, not {self.tasks}")

    taskset: ClassVar[str]
    trusted_grader = False
    grading_seconds = 30.0
    reward_components = ("partial",)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Now, so that a refusal comes with the name, and no grading waits for it.
        self.loaded = source(self.taskset, json.loads(self.base.config), self.base.tasks)

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """One of the taskset's tasks."""
        row = rng.choice(self.loaded.rows)
        return Draft(
            tuple(row["prompt"]), row["answer"], (self.taskset,),
            {"key": row["key"], "task": row["task"]},
        )  # fmt: skip

    def identity(self, draft: Draft) -> JSON:
        """Prompt and answer: the library's own key counts positions in the taskset too."""
        return [[{**message} for message in draft.prompt], draft.answer]  # type: ignore[dict-item]

    def parse(self, text: str) -> str:
        """All of the reply; tasksets read their own forms."""
        return text

    def verify(self, task: Task, answer: str) -> bool:
        """All that the rewards can pay, or all of the reward named in `correct`."""
        return self._share(task, answer, self.base.correct) > 1 - 1e-9

    def component_scores(self, task: Task, answer: str) -> Mapping[str, float]:
        """`partial`: the share of what the rewards can pay."""
        return {"partial": self._share(task, answer, "")}

    def answer_only(self, task: Task) -> str:
        """The answer as it stands in the data; few tasksets say in which form they read it."""
        return task.answer or ""

    def _share(self, task: Task, answer: str, only: str) -> float:
        paid = self.loaded.rewards(task.data["task"], task.messages, answer)
        if only and only not in paid:
            raise UserError(f"{self.name} has no reward {only!r}, but {', '.join(sorted(paid))}")
        kept = {only: paid[only]} if only else paid
        most = sum(weight for _, weight in kept.values() if weight > 0)
        share = sum(value * weight for value, weight in kept.values()) / most if most else 0.0
        return min(1.0, max(0.0, share))


def find(taskset: str) -> type[Environment]:
    """The environment class of a taskset; nothing of it is loaded yet."""
    if importlib.util.find_spec("verifiers") is None:
        raise UserError(
            "environments vf:ID need verifiers, which is not installed: "
            "pip install 'rlskills[verifiers]'"
        )
    about = {
        "__doc__": f"The taskset {taskset} of verifiers.",
        "__module__": __name__,
        "name": f"vf:{taskset}",
        "source": f"vf:{taskset}",
        "taskset": taskset,
    }
    return type("".join(part.capitalize() for part in taskset.split("_")), (Verifiers,), about)


def source(taskset: str, config: dict[str, Any], count: int) -> Source:
    """The taskset itself, by whichever generation of the library can load it."""
    module = _module(taskset)
    if hasattr(module, "load_environment") and not getattr(module, "__all__", None):
        from .legacy import Environments

        return Environments(taskset, config, count)
    from .tasksets import Tasksets

    return Tasksets(taskset, module, config, count)


def _module(taskset: str) -> Any:
    """By the rule of the library: the name behind the owner, dashes as underscores."""
    name = taskset.rsplit("/", 1)[-1].split("@", 1)[0].replace("-", "_").lower()
    for where in (f"verifiers.v1.tasksets.{name}", name):
        try:
            if importlib.util.find_spec(where) is not None:
                return importlib.import_module(where)
        except Exception as error:
            raise UserError(
                f"vf:{taskset}: cannot import {where}: {type(error).__name__}: {error}"
            ) from error
    raise UserError(f"vf:{taskset} is not installed: there is no module {name}")
