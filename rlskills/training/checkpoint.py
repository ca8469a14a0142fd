"""Checkpoints that are whole or not there.

A checkpoint is written to a folder of its own beside the others, sealed with the sizes and digests
of its files (`rlskills.runs.sealing`), and renamed into place. A torn or damaged one fails its
seal, is named, and the one before it is used.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path

from ..runs.files import parsed
from ..runs.sealing import changed, digests

SEAL = "seal.json"
STATE = "rlskills.json"
"""What the library's trainer does not save."""
RECORD = "metrics.jsonl"
"""The run's record up to the checkpoint, from which a damaged one is put back."""
ESSENTIAL = {"its model": "model", "its optimizer": "optim", "trainer_state.json": "trainer_state",
             STATE: STATE}  # fmt: skip
"""What every checkpoint has, and a part of the names of its files: sharded ones have several."""


def seal(folder: Path) -> None:
    """Record the digest of every file, as the last file written."""
    found = digests(folder, [path.name for path in sorted(folder.iterdir()) if path.name != SEAL])
    with (folder / SEAL).open("w") as file:
        json.dump(found, file)
        file.flush()
        os.fsync(file.fileno())


def damage(folder: Path) -> str | None:
    """What is wrong with a checkpoint, or None if it is as it was sealed."""
    try:
        sealed = parsed((folder / SEAL).read_bytes())
    except FileNotFoundError:
        return "it has no seal (writing it was interrupted)"
    except (OSError, ValueError):
        return "its seal is unreadable"
    if not isinstance(sealed, dict):
        return "its seal names no files"
    for what, part in ESSENTIAL.items():
        if not any(part in name for name in sealed):
            return f"its seal does not name {what}"
    return next((f"{name} {why}" for name, why in changed(folder, sealed)), None)


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
