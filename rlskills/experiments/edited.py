"""Files given by path (`file.py:Class`) that have changed since a run was made with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..runs.folder import CODE, EVAL_CODE, RunFolder


def check_code(run: RunFolder, config: Mapping[str, Any]) -> None:
    """A `UserError` where a file has changed since a run was made, or began to be made, with it."""
    before, now = code_in(run.manifest.get("config")), code_in(config)
    changed = [file for file in before if now.get(file, before[file]) != before[file]]
    if changed:
        done = "was trained and measured" if run.complete else "was begun"
        raise UserError(
            f"{changed[0]} has changed since {run.path} {done}; change it back, choose another "
            "--output, or say --same-code if the change alters no result"
        )


def code_in(config: Any) -> dict[str, str]:
    """All digests of files in a configuration, by the names of the files."""
    if not isinstance(config, Mapping):
        return {}
    return {**(config.get(CODE) or {}), **(config.get(EVAL_CODE) or {})}


def earlier_code(output: Path, seed_folder: Path) -> dict[str, str]:
    """The digests that runs in `output` were made with; those of `seed_folder` come first."""
    found: dict[str, str] = {}
    files = sorted(output.glob("seed*/*/run.json"), key=lambda file: seed_folder in file.parents)
    for file in files:
        found |= code_in(RunFolder.read(file.parent).manifest.get("config"))
    return found
