"""What goes wrong with a folder or its disk, in one line."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError

FULL = 2**20
"""Free bytes below which a failed write is put down to the disk. Writers of checkpoints and weights
do not say why they failed."""
UNITS = ("B", "kB", "MB", "GB", "TB")


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """A `UserError` in place of an error of the operating system about `folder`, or a full disk."""
    try:
        with _threads_of_libraries(folder):
            yield
    except UserError:
        raise
    except Exception as error:
        line = _explained(error, folder)
        if line is None or os.environ.get("RLSKILLS_DEBUG"):
            raise
        raise UserError(line) from error


def usable(folder: Path) -> None:
    """Make `folder`, and a `UserError` where nothing can be written there."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()


def free(folder: Path) -> int | None:
    """Free bytes of the disk on which `folder` is or would be; None if that is not known."""
    for place in (folder, *folder.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None


def amount(size: float) -> str:
    """A number of bytes with a unit."""
    unit = 0
    while size >= 1000 and unit + 1 < len(UNITS):
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {UNITS[unit]}"


@contextmanager
def _threads_of_libraries(folder: Path) -> Iterator[None]:
    """An error of the system in a thread of a library, such as TensorBoard's, is one line too."""
    before = threading.excepthook

    def tell(what: threading.ExceptHookArgs) -> None:
        error = what.exc_value
        line = _explained(error, folder) if isinstance(error, OSError) else None
        if line is None or os.environ.get("RLSKILLS_DEBUG"):
            before(what)
        else:
            print(f"note: {line}", file=sys.stderr)

    threading.excepthook = tell
    try:
        yield
    finally:
        threading.excepthook = before


def _number(error: Exception) -> int | None:
    """The system's number of an error, also where a library in Rust has put it into the text."""
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def _explained(error: Exception, folder: Path) -> str | None:
    number, left = _number(error), free(folder)
    if number in (errno.ENOSPC, errno.EDQUOT) or (
        left is not None and left < FULL and not isinstance(error, ArithmeticError | LookupError)
    ):
        shown = "" if left is None else f" ({amount(left)} free)"
        return (
            f"no space left on the disk of {folder}{shown}; what was saved is whole: make room "
            "there, and repeat the command to go on"
        )
    if number is None:
        return None
    named = getattr(error, "filename", None)
    place = os.fspath(named if isinstance(named, str | os.PathLike) else folder)
    return f"{place}: {os.strerror(number).lower()}"
