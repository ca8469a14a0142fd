"""One grading worker, seen from the process that it grades for."""

from __future__ import annotations

import itertools
import pickle
import struct
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..scoring import Call
from .lines import Lines, Message, write_all
from .processes import end, interpreter

START_S = 120.0
"""Seconds in which a worker must have loaded its environment, and in which it begins a chunk."""
CUT_OFF = 113
"""Exit status of a worker whose grader closed the pipe to its owner, or took its place."""
_numbers = itertools.count()
"""Of calls, all of this process, so that a late score is never taken for that of another call."""


class Lost(Exception):
    """A worker is of no more use; `status` is that of the call under way, empty where none is."""

    def __init__(self, status: str, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(why)


class Worker:
    """A process that loads one environment and grades what it is sent."""

    def __init__(self, order: bytes) -> None:
        self.child = interpreter(
            "from rlskills.environments.isolation.serving import serve; serve()", subprocess.DEVNULL
        )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.lines = Lines(self.child.stdout.fileno())
        self._outbox = self.child.stdin.fileno()
        self.ready = self.begun = False
        self.deadline = time.monotonic() + START_S
        self.places: deque[int] = deque()
        """Calls that it has yet to score, the one under way first."""
        self._sent: deque[int] = deque()
        """The numbers of these calls."""
        self._send(order)

    def send(self, places: Sequence[int], calls: Sequence[Call]) -> None:
        """Give it a chunk; the clock starts when it says that it has begun.

        An `OSError` where it has ended.
        """
        numbers = [next(_numbers) for _ in places]
        self._send(pickle.dumps(list(zip(numbers, (calls[i] for i in places), strict=True))))
        self.places.extend(places)
        self._sent.extend(numbers)
        self.begun = False
        self.deadline = time.monotonic() + START_S

    def hear(self, seconds: float, take: Callable[[int, list[Any]], None]) -> None:
        """Take in all that it has said; each score is given to `take`, with its place.

        `Lost` where it has ended, has been at one call for more than `seconds`, or does not speak
        as `serving` does any more.
        """
        try:
            for message in self.lines.messages():
                self._hear(message, seconds, take)
        except (EOFError, OSError):
            # One that ended while it had nothing to do may still have been sent a chunk.
            status = "grader_error" if self.begun else ""
            raise Lost(status, self._ended()) from None
        except (ValueError, TypeError):
            raise Lost("grader_error", "wrote to its worker's pipe") from None
        if (self.places or not self.ready) and time.monotonic() > self.deadline:
            why = f"took over {seconds:g} s" if self.ready else "said nothing"
            raise Lost("grader_timeout", why)

    def close(self) -> None:
        """Kill it, with all that it started."""
        end(self.child)

    def _hear(
        self, message: Message, seconds: float, take: Callable[[int, list[Any]], None]
    ) -> None:
        kind, *rest = message
        if kind == "unready":
            raise Lost("", f"it cannot load the environment: {rest[0]}")
        if kind == "full":
            raise Lost("", "took too much memory")
        if kind == "score":
            number, *fields = rest
            if not self._sent or number != self._sent[0]:
                return  # of no call that is under way
            take(self.places[0], fields)
            self.places.popleft()
            self._sent.popleft()
        self.begun |= kind == "begun"
        self.ready = True
        self.deadline = time.monotonic() + seconds

    def _send(self, data: bytes) -> None:
        # The header that `multiprocessing.connection.Connection` reads.
        write_all(self._outbox, struct.pack("!i", len(data)) + data, START_S)

    def _ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(1)
        status = self.child.returncode
        return "cut off its worker" if status == CUT_OFF else f"ended its process (status {status})"
