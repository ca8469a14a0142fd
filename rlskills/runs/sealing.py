"""Digests of files, by which a later process knows that they are as they were written.

Files up to `WHOLE` bytes are digested whole. Of larger ones only blocks are, evenly spread and
with both ends: that finds what kills and full disks leave (missing, short or partly empty files),
and costs the same for any size (`python benchmarks/seal.py` measures both). A single flipped bit
in the middle of a large file can pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

WHOLE = 64 * 2**20
"""Bytes up to which a file is digested whole."""
BLOCK, BLOCKS = 2**20, 64
"""Size and number of the blocks that are digested of a larger file."""


def file_digest(file: Path) -> str:
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


def digests(folder: Path, parts: Iterable[str]) -> dict[str, str]:
    """The digest of every file in those `parts` (files or folders of `folder`) that are there."""
    found: dict[str, str] = {}
    for part in parts:
        place = folder / part
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file():
                found[file.relative_to(folder).as_posix()] = file_digest(file)
    return found


def changed(folder: Path, sealed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names of files that are not as their digests say, each with what is wrong with it."""
    for name, expected in sealed.items():
        file = folder / name
        try:
            if not file.is_file():
                yield name, "is missing"
            elif file_digest(file) != expected:
                yield name, "has changed since it was written"
        except OSError as error:
            yield name, f"cannot be read ({(error.strerror or str(error)).lower()})"
