"""Messages between a process and its grading workers: JSON lines that neither side waits for.

A grader shares a process with one end of the pipe. So whatever comes out of it is read as it
comes: half a message, or text that is none, must not stop the reader.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Iterator
from typing import Any

Message = list[Any]
MOST = 64 * 2**20
"""Bytes of a message above which it is none."""


class Lines:
    """The reading end of a pipe on which messages come."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._buffer = b""

    def fileno(self) -> int:
        """The descriptor, for `select`."""
        return self.descriptor

    def messages(self) -> Iterator[Message]:
        """All that have come whole; `EOFError` at the end, `ValueError` for what is none."""
        while True:
            try:
                read = os.read(self.descriptor, 2**16)
            except BlockingIOError:
                return
            if not read:
                raise EOFError
            *lines, rest = read.split(b"\n")
            for line in lines:
                message = json.loads(self._buffer + line)
                self._buffer = b""
                if not isinstance(message, list):
                    raise ValueError("not a message")
                yield message
            self._buffer += rest
            if len(self._buffer) > MOST:
                raise ValueError("a message without end")


def write_all(descriptor: int, data: bytes, seconds: float) -> None:
    """Write to a pipe whose reader may have stopped; an `OSError` if it does not read in time."""
    os.set_blocking(descriptor, False)
    view, late = memoryview(data), time.monotonic() + seconds
    while view:
        if not select.select([], [descriptor], [], max(0.0, late - time.monotonic()))[1]:
            raise TimeoutError("it does not read")
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:  # less room than `select` asks for
            time.sleep(0.001)
