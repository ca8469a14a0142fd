"""Checkpoints that are whole or not there.

A checkpoint is written to a folder of its own beside the others, sealed with the sizes and digests
of its files, and renamed into place. A torn or damaged one fails its seal, is named, and the one
before it is used.

Files up to `WHOLE` bytes are digested whole. Of larger ones only blocks are, evenly spread and
with both ends: that finds what kills and full disks leave (missing, short or partly empty files),
and costs the same for any size (`python benchmarks/seal.py` measures both). A single flipped bit
in the middle of a large file can pass.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path

SEAL = "seal.json"
WHOLE = 64 * 2**20
"""Bytes up to which a file is digested whole."""
BLOCK, BLOCKS = 2**20, 64
"""Size and number of the blocks that are digested of a larger file."""


def seal(folder: Path) -> None:
    """Record the digest of every file, as the last file written."""
    digests = {
        str(file.relative_to(folder)): _digest(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != SEAL
    }
    with (folder / SEAL).open("w") as file:
        json.dump(digests, file)
        file.flush()
        os.fsync(file.fileno())


def damage(folder: Path) -> str | None:
    """What is wrong with a checkpoint, or None if it is as it was sealed."""
    try:
        digests = json.loads((folder / SEAL).read_text())
    except FileNotFoundError:
        return "it has no seal (writing it was interrupted)"
    except ValueError:
        return "its seal is unreadable"
    for name, expected in digests.items():
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        if _digest(file) != expected:
            return f"{name} has changed since it was written"
    return None


def publish(staged: Path, place: Path, keep: int) -> None:
    """Seal `staged`, rename it to `place`, and remove all but the newest `keep` beside it."""
    seal(staged)
    if place.exists():
        shutil.rmtree(place)
    staged.rename(place)
    for old in ordered(place.parent)[:-keep]:
        shutil.rmtree(old)


def ordered(folder: Path) -> list[Path]:
    """Checkpoints in `folder`, oldest step first."""
    found = [path for path in folder.glob("checkpoint-*") if path.name[11:].isdigit()]
    return sorted(found, key=lambda path: int(path.name[11:]))


def newest_whole(folder: Path) -> Path | None:
    """The newest undamaged checkpoint; damaged ones are named in a warning and removed."""
    for path in reversed(ordered(folder)):
        wrong = damage(path)
        if wrong is None:
            return path
        warnings.warn(f"checkpoint {path} is damaged: {wrong}; using the one before", stacklevel=2)
        shutil.rmtree(path)
    return None


def _digest(file: Path) -> str:
    """The size of a file and the digest of what `WHOLE` says is read of it."""
    size = file.stat().st_size
    with file.open("rb") as handle:
        if size <= WHOLE:
            return f"{size}:{hashlib.file_digest(handle, 'sha256').hexdigest()}"
        found = hashlib.sha256()
        for i in range(BLOCKS):
            handle.seek(i * (size - BLOCK) // (BLOCKS - 1))
            found.update(handle.read(BLOCK))
    return f"{size}:{found.hexdigest()}"
