"""What every trainer, grader, logger and evaluator passes around: `Task` and `Score`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None
Message: TypeAlias = dict[str, str]
"""One chat message: `{"role": ..., "content": ...}`."""
FAILURES = ("grader_error", "grader_timeout")
"""Statuses of a score that say nothing about the answer: the grader raised, died, or hung."""


def joined(messages: Iterable[Message]) -> str:
    """Messages as plain text, for models without a chat template."""
    return "\n\n".join(message["content"] for message in messages)


@dataclass(frozen=True)
class Draft:
    """What an author's `make` returns; the environment adds address and key to make a `Task`.

    `skills` are the atoms used, in evaluation order. `depth` counts nested applications (0: take
    the level's number). `data` is whatever `verify` or `solution` need, JSON values only.
    """

    prompt: str | tuple[Message, ...]
    answer: str | None
    skills: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One problem. Everything in it is JSON, so that it can be logged, shipped and compared.

    `key` is a hash of what makes this problem the same problem (`Environment.identity`), never of
    its index or seed; two tasks with one key are one problem.
    """

    env: str
    split: str
    level: int
    index: int
    prompt: str | tuple[Message, ...]
    answer: str | None
    skills: tuple[str, ...]
    depth: int
    data: Mapping[str, Any]
    key: str

    @property
    def messages(self) -> list[Message]:
        """The prompt as chat messages, a plain prompt being one turn of the user."""
        if isinstance(self.prompt, str):
            return [{"role": "user", "content": self.prompt}]
        return [dict(message) for message in self.prompt]

    @property
    def text(self) -> str:
        """The prompt as plain text, for models without a chat template."""
        return joined(self.messages)

    def to_json(self) -> str:
        """One JSON object; `from_json` gives an equal task back."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Task:
        """The task that `to_json` wrote."""
        raw = json.loads(text)
        if not isinstance(raw["prompt"], str):
            raw["prompt"] = tuple(raw["prompt"])
        raw["skills"] = tuple(raw["skills"])
        return cls(**raw)


@dataclass(frozen=True, slots=True)
class StepScore:
    """A worked step in a completion: characters `start` to `end`, and whether its value is right.

    Right means exactly the value of the task's step of the same number, counted from the first.
    """

    start: int
    end: int
    correct: bool
    value: int | None = None
    """Character with which its value begins, behind what names the call; None: not known."""


@dataclass(frozen=True, slots=True)
class Score:
    """How one completion did. `correct` is what is reported, `reward` is what is optimised.

    `status` is `ok`, `unparsed` (no answer in the required form), `truncated` (the sampler stopped
    it at the length limit), or one of `FAILURES`: then nothing is known of the answer, `reward` is
    not a number, and the sample is dropped and counted. `parts` are the named pieces that `reward`
    is a weighted sum of.
    """

    correct: bool
    reward: float
    parts: Mapping[str, float]
    status: str
    parsed: str | None
    note: str = ""
    """What went wrong, where the grader failed."""
    steps: tuple[StepScore, ...] = ()
    """The worked steps that were read in the completion (in the last reply, of several turns)."""

    @property
    def failed(self) -> bool:
        """Whether grading failed, so that the answer is neither right nor wrong."""
        return self.status in FAILURES

    @classmethod
    def failure(cls, status: str, note: str) -> Score:
        """The score of a completion that could not be graded."""
        return cls(False, math.nan, {}, status, None, note)
