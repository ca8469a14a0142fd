"""A process of its own in which problems are drawn that would differ between processes.

Some datasets iterate over sets, so that problem 7 depends on PYTHONHASHSEED; some use the global
generator; some take minutes for one problem. Here the hash seed is fixed, the global generator is
seeded before every draw, and a draw that takes too long ends with the process.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from ...environments.isolation.processes import end, interpreter
from ...errors import UserError

DRAW_S = 120.0
"""Seconds in which one problem must be drawn; building its dataset is included."""


class Host:
    """The process, started on first use; a fork of ours starts one for itself."""

    def __init__(self) -> None:
        self.owner = 0
        self.child: Any = None

    def draw(self, dataset: str, settings: tuple[tuple[str, Any], ...], number: int) -> Any:
        """As `entries.entry`; `UserError` when it raises or takes over `DRAW_S` seconds."""
        if self.owner != os.getpid():
            self._start()
        try:
            self.outbox.send_bytes(json.dumps([dataset, settings, number]).encode())
            if not self.inbox.poll(DRAW_S):
                raise UserError(f"rg:{dataset} took over {DRAW_S:g} s to draw one problem")
            found = json.loads(self.inbox.recv_bytes())
        except BaseException as error:  # also an interrupt: the next answer would be this one's
            self.close()
            if isinstance(error, EOFError | OSError):
                raise UserError(f"rg:{dataset}: the process that draws it ended") from error
            raise
        if isinstance(found, str):
            raise UserError(f"rg:{dataset} cannot be drawn: {found}")
        return found

    def _start(self) -> None:
        self.owner = os.getpid()
        code = "from rlskills.adapters.rg.host import serve; serve()"
        self.child = interpreter(code, subprocess.DEVNULL, hash_seed=0)
        self.inbox = Connection(os.dup(self.child.stdout.fileno()), writable=False)
        self.outbox = Connection(os.dup(self.child.stdin.fileno()), readable=False)

    def close(self) -> None:
        """Kill the process; the next draw starts another one."""
        if self.owner == os.getpid():
            end(self.child)
            self.inbox.close()
            self.outbox.close()
        self.owner = 0


HOST = Host()


def serve() -> None:
    """What the process runs: draw what is asked for, until its input ends."""
    inbox, outbox = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # datasets may print

    import random

    from .entries import entry, settings_of

    with suppress(EOFError):
        while True:
            dataset, settings, number = json.loads(inbox.recv_bytes())
            random.seed(f"{dataset} {number}")
            try:
                found: Any = entry(dataset, settings_of(settings), number)
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            outbox.send_bytes(json.dumps(found).encode())
