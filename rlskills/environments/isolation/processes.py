"""Fresh interpreters, for what must not run in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO


def interpreter(code: str, errors: int | IO[bytes], hash_seed: int = 0) -> subprocess.Popen[bytes]:
    """Start Python on `code`, in a session of its own, finding the modules this process finds.

    Its input and output are pipes; what it writes to standard error goes to `errors`.
    """
    child_env = os.environ | {
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=child_env,
        start_new_session=True,
    )  # fmt: skip


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child of `interpreter`, with all that it started, and close its pipes."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, 9)
        except (ProcessLookupError, PermissionError):  # it ended just now
            child.kill()
    child.__exit__(None, None, None)  # waits and closes the pipes
