"""Known functions side by side: several calls in one problem, none of which sees another's value.

    F46(efag);F40(dbc)?
    F46(efag)=aefgf;F40(dbc)=dbcd;#aefgf;dbcd

A model that was taught every function alone has met it at one place only, the beginning of a line.
Rows show it further on, where a chain will need it, and compose nothing. They are written in the
notation of `string_transform?preset=tiny`.

Try `rlskills env sample string_row`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rlskills.environments import Draft, Environment, StepScore, Task, register
from rlskills.environments.parsing import TAIL

from .environment import StringTransform
from .notation import TINY_STEPS


@register("string_row")
class StringRow(Environment):
    """Compute several calls that stand side by side; level n has n + 1 of them."""

    @dataclass(frozen=True)
    class Config(Environment.Config):
        """What a level sets."""

        functions: str = "all"
        """Set that calls are drawn from: all, common, train or held_out."""
        common: int = 32
        """How many functions are in neither train nor held_out."""
        calls: int = 2

    levels = tuple({"calls": n} for n in range(2, 6))

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """Training problems of single calls, so that no test problem of theirs is shown here."""
        single = _single(cfg.functions, cfg.common)
        tasks = [single.task("train", 1, rng.randrange(2**31)) for _ in range(cfg.calls)]
        steps = [step for task in tasks for step in task.data["steps"]]
        return Draft(
            prompt=";".join(call for call, _ in steps) + "?",
            answer=";".join(value for _, value in steps),
            skills=tuple(skill for task in tasks for skill in task.skills),
            depth=1,
            data={"steps": steps},
        )

    def parse(self, text: str) -> str | None:
        """All that stands behind the last `#`."""
        _, mark, found = text[-TAIL:].rpartition("#")
        return found if mark and found else None

    def solution(self, task: Task) -> str:
        """Every call with its value, then all values."""
        steps = "".join(f"{call}={value};" for call, value in task.data["steps"])
        return steps + self.answer_only(task)

    def steps(self, task: Task, completion: str) -> Sequence[StepScore]:
        """Every call with its value, as in the worked solution."""
        return TINY_STEPS.read(completion, [value for _, value in task.data["steps"]])

    def functions(self) -> Mapping[str, Callable[..., str]]:
        """The functions of the preset `tiny`."""
        return _single("all", self.base.common).functions()

    def step_count(self, task: Task) -> int:
        """The calls of the row."""
        return len(task.data["steps"])

    def answer_only(self, task: Task) -> str:
        """All values behind their mark."""
        return f"#{task.answer}"


@cache
def _single(functions: str, common: int) -> StringTransform:
    return StringTransform(preset="tiny", functions=functions, common=common)
