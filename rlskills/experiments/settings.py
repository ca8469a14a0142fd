"""Settings that every recipe has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..models.machine import Machine


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Where and how a study is run; a recipe's `Config` adds what it studies."""

    output: Path
    """Folder of all runs; what is complete there is not run again."""
    records: Path | None = None
    """A folder of records (`record.json.gz`); arms that are finished there are taken as done."""
    machine: Machine = Machine()
    same_code: bool = False
    """Go on with runs although a file that they were made with (`file.py:Class`) has changed; to be
    said only of a change that alters no result. Not saved."""
