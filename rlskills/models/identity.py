"""What ties a run to where it started: a digest of all files that decide what a model says."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from ..environments import digest
from .smollm2 import SHA256
from .tiny_base import ABOUT, NAME, tiny_base

IGNORED = {".md", ".png", ".jpg", ".txt.gz", ".lock"}
"""Files of a model folder that nothing reads: its card and pictures. Nor is `ABOUT` read."""


def identity_of(model: str) -> str:
    """The digest of a folder's weights, tokenizer, template and configurations; or a name.

    Two folders with the same identity give the same answers. Of a model on the hub it is the name;
    which revision is loaded is an option of its own.
    """
    if model == "smollm2":
        return f"{model} {SHA256[:16]}"
    if model == NAME:
        model = str(tiny_base())
    if not Path(model).is_dir():
        return model
    files = sorted(
        file
        for file in Path(model).iterdir()
        if file.is_file()
        and file.suffix.lower() not in IGNORED
        and file.name != ABOUT
        and not file.name.startswith(".")
    )
    return digest([[file.name, _digest_of(file)] for file in files])


def _digest_of(file: Path) -> str:
    stat = file.stat()
    return _digest(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(file: Path, size: int, modified: int) -> str:
    """Digested once in a process while the file stays as it is: weights are gigabytes."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
