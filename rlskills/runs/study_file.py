"""`study.json`: what a study asks and which arms and seeds it has, in the folder of its runs.

The runner writes it, and a page is made from it. It decides nothing: no hash covers it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import UserError
from .claims import Claim, from_json
from .files import parsed, read_bytes
from .folder import write_json

FILE = "study.json"
CONFIG = "config.yaml"
"""The settings of a study, in the same folder."""


@dataclass(frozen=True)
class StudyFile:
    """What cannot be read from the runs themselves."""

    name: str
    """The recipe's name."""
    title: str
    """The question in one line."""
    command: str
    """How it is run with the recipe's defaults."""
    seeds: tuple[int, ...]
    """Those that the last command asked for."""
    starts: dict[str, str]
    """By arm: the arm that it starts from; empty: the study's model."""
    minutes: float | None = None
    """About how long a seed takes on two CPU cores, as the recipe says."""
    claims: tuple[Claim, ...] = ()
    """What the study is to show."""

    def save(self, folder: Path) -> None:
        """Write it, unless the file holds it already."""
        file, value = folder / FILE, json.loads(json.dumps(asdict(self)))
        with suppress(OSError, ValueError):
            if parsed(file.read_bytes()) == value:
                return
        folder.mkdir(parents=True, exist_ok=True)
        write_json(file, value)


def read_study_file(folder: Path) -> StudyFile | None:
    """The `study.json` of a folder; None where there is none, a damaged one is a `UserError`."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        value = parsed(read_bytes(file))
        value.setdefault("claims", [])
        known = {each.name: value[each.name] for each in fields(StudyFile)}
        return StudyFile(**known | _typed(known))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UserError(
            f"cannot understand {file}: {type(error).__name__}: {error}; the command that runs the "
            "study writes it anew"
        ) from None


def _typed(value: dict[str, Any]) -> dict[str, Any]:
    minutes = value["minutes"]
    return {
        **{name: str(value[name]) for name in ("name", "title", "command")},
        "seeds": tuple(int(seed) for seed in value["seeds"]),
        "starts": {str(arm): str(start) for arm, start in value["starts"].items()},
        "minutes": None if minutes is None else float(minutes),
        "claims": from_json(value["claims"]),
    }
