"""One process, or one group of processes, works on a run at a time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from ..errors import UserError

NAME = "owner.json"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold `folder` while within; a `UserError` that names who holds it, where another does.

    The lock is the operating system's on an open file, so it ends with its owner, however that
    ends; a file that was left behind holds nothing. A file system without locks is not guarded.
    """
    file = _locked(folder / NAME)
    try:
        about = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(" ", "seconds"),
        }
        file.truncate(0)
        file.write(json.dumps(about) + "\n")
        file.flush()
        yield
    finally:
        (folder / NAME).unlink(missing_ok=True)
        file.close()


def _locked(path: Path) -> IO[str]:
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            text = file.read()
            file.close()
            raise UserError(f"{path.parent} is in use by {_named(text)}") from None
        except OSError:  # a file system without locks
            return file
        # The owner before may have removed the file between the two calls.
        if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            return file
        file.close()


def _named(text: str) -> str:
    try:
        about = json.loads(text)
        return f"process {about['process']} on {about['host']} since {about['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
