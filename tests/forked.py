"""Programs as processes of their own, forked from a server that has imported everything.

Importing torch and TRL takes a process eight seconds, of which a suite that kills many has no use.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from rlskills.experiments.side_by_side import process_context


class Forked:
    """A process that runs a picklable `job`; what it prints is in `log`."""

    def __init__(self, job: Callable[[], object], log: Path) -> None:
        self.log = log
        # A context's own class of processes is not in the types of its base.
        self.process = process_context().Process(target=_run, args=(job, log))  # pyright: ignore
        self.process.start()

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.process.exitcode

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(60)
        assert self.process.exitcode == -signal.SIGKILL

    def finish(self, timeout: float = 300) -> str:
        """Wait for its end, which must be a good one; what it has printed."""
        self.process.join(timeout)
        text = self.log.read_text()
        assert self.process.exitcode == 0, text[-5000:]
        return text


def _run(job: Callable[[], object], log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    import torch

    torch.set_num_threads(1)
    job()
