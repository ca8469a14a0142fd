"""Fresh interpreters, for what must not run in this one, and the end of all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

SWEEPS = 5
"""Times that descendants are looked for: some may be starting others meanwhile."""


def interpreter(code: str, errors: int | IO[bytes], hash_seed: int = 0) -> subprocess.Popen[bytes]:
    """Start Python on `code`, in a session of its own, finding the modules this process finds.

    Its input and output are pipes; what it writes to standard error goes to `errors`. It ends soon
    after this process does, whatever it is doing (see `keeping`).
    """
    child_env = os.environ | {
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
    kept = f"from rlskills.environments.isolation.keeping import keep; keep({os.getpid()}); {code}"
    return subprocess.Popen(
        [sys.executable, "-c", kept],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=child_env,
        start_new_session=True,
    )  # fmt: skip


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child of `interpreter`, with all that it started, and close its pipes."""
    if child.poll() is None:
        end_descendants(child.pid)
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it ended just now
            child.kill()
    child.__exit__(None, None, None)  # waits and closes the pipes


def end_descendants(root: int) -> None:
    """Kill what descends from a process, also what left its session; where there is /proc."""
    for _ in range(SWEEPS):
        if not (found := _descendants(root)):
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _descendants(root: int) -> list[int]:
    """Living descendants of a process, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            # The name, in parentheses, may hold anything.
            state, parent, *_ = (
                (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            )
            if state not in "ZX":
                children.setdefault(int(parent), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, ())
    return found[1:]
