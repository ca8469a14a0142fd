"""Files of runs, read as what they should be: any other content is a `UserError` of one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError

Kind = type | tuple[type, ...]


class Damaged(UserError):
    """A file does not hold what it should; `why` says what is wrong with it."""

    def __init__(self, file: Path, why: str, advice: str = "") -> None:
        self.file, self.why, self.advice = file, why, advice
        super().__init__(f"{file} is damaged: {why}" + (f"; {advice}" if advice else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        """An arm in a process of its own hands this to the one that started it."""
        return Damaged, (self.file, self.why, self.advice)


def parsed(data: bytes) -> Any:
    """What JSON in UTF-8 says; a `ValueError` for all other bytes."""
    try:
        return json.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_bytes(file: Path) -> bytes:
    """What is in a file; one that cannot be read is a `UserError`, a missing one what it is."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"cannot read {file}: {(error.strerror or str(error)).lower()}") from None


def read_object(file: Path, kinds: Mapping[str, Kind], advice: str = "") -> dict[str, Any]:
    """The JSON object in a file, with at least the keys and types of `kinds`.

    Raises:
        Damaged: It holds anything else; `advice` says how to go on.
        UserError: It cannot be read.
        FileNotFoundError: It is not there.
    """
    data = read_bytes(file)
    try:
        found = parsed(data)
    except ValueError as error:
        raise Damaged(file, str(error) if data else "it is empty", advice) from None
    if why := lacking(found, kinds):
        raise Damaged(file, why, advice)
    return found


def lacking(value: Any, kinds: Mapping[str, Kind]) -> str | None:
    """What a JSON value lacks to be an object with these keys and types; None: nothing."""
    if not isinstance(value, dict):
        return "it is not a JSON object"
    for key, kind in kinds.items():
        if key not in value:
            return f"it has no {key!r}"
        if not isinstance(value[key], kind):
            return f"its {key!r} is {type(value[key]).__name__}"
    return None


def read_evaluation(file: Path) -> dict[str, Any]:
    """What an `evaluation.json` holds: outcomes by task of every eval set.

    Raises:
        Damaged: It holds anything else.
        UserError: It is missing, or cannot be read.
    """
    advice = "the command that made it puts it back"
    try:
        found = read_object(file, {"eval_sets": list}, advice)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: {advice}") from None
    for record in found["eval_sets"]:
        why = lacking(record, {"group": str, "level": int, "tasks": list})
        for task in () if why else record["tasks"]:
            why = why or lacking(task, {"key": str, "greedy": (bool, int)})
        if why:
            raise Damaged(file, f"in an eval set {why}", advice)
    return found
