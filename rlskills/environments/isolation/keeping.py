"""A keeper for a process that runs others' code: it ends that one when their owner is gone.

Code that blocks, or computes without a pause, cannot look after itself. So an interpreter forks at
its start: the copy goes on to the work, and the first one only waits, for the end of the work or of
its owner. On Linux it also adopts whatever the work leaves behind, and ends that too.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from contextlib import suppress

from .processes import end_descendants

LOOK_S = 0.2
"""Seconds between looks for the owner."""
_PDEATHSIG, _CHILD_SUBREAPER = 1, 36
"""Of prctl(2)."""


def keep(owner: int) -> None:
    """Go on in a copy of this process, which ends with this one and with the process `owner`.

    To be called by a fresh interpreter that leads its session. Only the copy returns; this process
    ends as the copy does.
    """
    _prctl(_CHILD_SUBREAPER, 1)
    keeper, (ended, at_work) = os.getpid(), os.pipe()
    work = os.fork()
    if not work:
        os.close(ended)
        _prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:  # it was killed before that
            os._exit(1)
        return
    os.close(at_work)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)  # so that the ends of the pipes belong to the work alone
    os.dup2(nowhere, 1)
    while (status := _status_of(work)) is None:
        if os.getppid() != owner:
            end_descendants(keeper)
            os.killpg(keeper, signal.SIGKILL)
        if ended >= 0 and select.select([ended], [], [], LOOK_S)[0]:
            os.close(ended)  # it has ended, or has closed all its descriptors
            ended = -1
        elif ended < 0:
            time.sleep(LOOK_S / 10)
    end_descendants(keeper)
    _exit_as(status)


def _status_of(work: int) -> int | None:
    """How the work ended; None while it goes on. What it left behind is reaped too."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == work:
                return status
            if not pid:
                return None
    return 0


def _exit_as(status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(abs(code))


def _prctl(option: int, value: int) -> None:
    """A setting of this process that only Linux has."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
