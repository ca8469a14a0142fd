"""Reading worked steps in a completion: spans, and whether each value is exactly right.

Steps are counted in order of appearance and compared with the task's step of the same number, so
that listing right values out of order earns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .types import StepScore

BEYOND = 16
"""Steps that are read beyond those of the task; all of them are wrong, so more say nothing."""


@dataclass(frozen=True)
class StepForm:
    """How an environment writes its steps.

    A step ends with `end`, which is no part of it, and nothing behind the first `stop` is a step.
    Without `last_open`, a text behind the last `end` is unfinished and no step.
    """

    end: str
    stop: str
    shape: re.Pattern[str]
    """What a step begins with; other texts between two ends are passed over. It must take constant
    time, so it may not search."""
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
            steps.append(StepScore(begin, finish, right))
        return tuple(steps)

    def _spans(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        limit = text.find(self.stop, start) if self.stop else -1
        limit = len(text) if limit < 0 else limit
        while start < limit:
            finish = text.find(self.end, start, limit)
            if finish < 0:
                if not self.last_open:
                    return
                finish = limit
            begin, behind = start, finish
            if self.end == "\n":  # prose may be indented
                line = text[start:finish]
                begin += len(line) - len(line.lstrip())
                behind -= len(line) - len(line.rstrip())
            if begin < behind and self.shape.match(text, begin, behind):
                yield begin, behind
            start = finish + len(self.end)


def behind(mark: str) -> Callable[[str], str]:
    """A step's value, where it is all that stands behind the last `mark`."""
    return lambda step: step.rpartition(mark)[2]
