"""Stopping on request: Ctrl-C and SIGTERM end the work with one line, whatever was under way.

The exception that a signal handler raises can get lost: Python drops those that arise while it
deletes an object or calls back from C. So the signal is remembered too, and `check`, which runs
call at every step, raises it again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
USER_ERROR = 2
"""Exit status of what is said in a line and is no signal."""
LAUNCHER_S = 3.0
"""Seconds in which a launcher has noticed that a process has ended, and has ended the others."""


class Stopped(KeyboardInterrupt):
    """A signal asked for the end."""


class _Request:
    """What has arrived, and what was being done."""

    signal: int = 0
    doing: str = ""


_request = _Request()


@contextmanager
def listening() -> Iterator[None]:
    """Within, the signals raise `Stopped` in the main thread; a signal that is ignored stays so.

    What has arrived is known within, too, and forgotten behind it.
    """
    _request.signal, _request.doing = 0, ""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    dropped = sys.unraisablehook
    # Said once, in the line with which the work ends, and not where Python dropped it.
    sys.unraisablehook = lambda what: None if what.exc_type is Stopped else dropped(what)
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _handle)
    try:
        yield
    finally:
        sys.unraisablehook = dropped
        for number, handler in before.items():
            signal.signal(number, handler)
        _request.signal, _request.doing = 0, ""


def _handle(number: int, frame: FrameType | None) -> None:
    _request.signal = number
    raise Stopped


def check() -> None:
    """Raise `Stopped` if a signal has arrived, also where its exception was lost."""
    if _request.signal:
        raise Stopped


def doing(what: str) -> None:
    """Say what a message about the end should name, such as "base at step 15"."""
    _request.doing = what


def last_words() -> str:
    """The line for the user."""
    if not _request.doing:
        return "stopped"
    return f"stopped: {_request.doing}; repeat the command to go on"


def status() -> int:
    """The exit status of a process that a signal has ended, by a shell's convention."""
    return 128 + (_request.signal or signal.SIGINT)


def leave_to_parent() -> None:
    """Called in a worker: the process that started it decides what Ctrl-C means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def speaks(status: int) -> bool:
    """Whether this process of a group prints the line with which it ends.

    What ends all of them is said by the first one. What ends another one alone is said by that: it
    waits until the launcher would have ended it on account of the first. A signal ends all of them.
    """
    if os.environ.get("RANK", "0") == "0":
        return True
    if status != USER_ERROR:
        return False
    time.sleep(LAUNCHER_S)
    return True
