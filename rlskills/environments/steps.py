"""Reading worked steps in a completion: spans, and whether each value is exactly right.

Steps are counted in order of appearance and compared with the task's step of the same number, so
that listing right values out of order earns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .types import StepScore

BEYOND = 16
"""Steps that are read beyond those of the task; all of them are wrong, so more say nothing."""


class Call(NamedTuple):
    """A worked step taken apart: that a function of arguments returns a value, as a text says."""

    op: str
    args: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class StepForm:
    """How an environment writes its steps.

    A step ends with the character `end`, which is no part of it. Nothing behind the first `stop` is
    a step. Without `last_open`, a text behind the last `end` is unfinished and no step.
    """

    end: str
    stop: str
    shape: re.Pattern[str]
    """What a step begins with, without groups and of bounded length; texts between two ends that
    begin otherwise are passed over."""
    value: Callable[[str], str]
    """The part of a step that is compared."""
    last_open: bool = False

    def read(
        self, text: str, values: Sequence[str], whole: Sequence[str] = (), start: int = 0
    ) -> tuple[StepScore, ...]:
        """The steps in `text` from `start` on, right where their value is that of `values`.

        `whole` are the steps as the solution writes them: a step equal to its own is right even if
        `value` cannot tell where its value begins.
        """
        steps: list[StepScore] = []
        for begin, finish in self._spans(text, start):
            step, number = text[begin:finish], len(steps)
            if number >= len(values) + BEYOND:
                break
            right = number < len(values) and (
                self.value(step) == values[number] or (bool(whole) and step == whole[number])
            )
            value = values[number] if right else self.value(step)
            at = finish - len(value) if step.endswith(value) else None
            steps.append(StepScore(begin, finish, right, at))
        return tuple(steps)

    def _spans(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        limit = text.find(self.stop, start) if self.stop else -1
        body = text[start : limit if limit >= 0 else len(text)]
        for match in self._pattern.finditer(body):
            if match.end() == len(body) and not self.last_open:
                return
            begin, finish = match.span(1)
            if self.end == "\n":  # prose may have blanks at the end of a line
                finish = begin + len(match[1].rstrip())
            yield start + begin, start + finish

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """All of a step that begins a line (or what `end` ends); others are skipped in C."""
        end = re.escape(self.end)
        blank = "[ \\t]*" if self.end == "\n" else ""
        return re.compile(f"(?<![^{end}]){blank}((?:{self.shape.pattern})[^{end}]*)")


def parted(text: str, step: StepScore) -> tuple[str, str]:
    """What a step of `text` computes, without the equals sign or arrow behind it, and its value.

    Where the step does not say with which character its value begins, that is behind the last `=`.
    """
    whole = text[step.start : step.end]
    cut = whole.rfind("=") + 1 if step.value is None else step.value - step.start
    return _ARROW.sub("", whole[:cut]), whole[cut:]


_ARROW = re.compile(r"(?<!\s)\s*(?:=|->|→)\s*$")


def behind(mark: str) -> Callable[[str], str]:
    """A step's value, where it is all that stands behind the last `mark`."""
    return lambda step: step.rpartition(mark)[2]
