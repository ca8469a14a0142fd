"""A regime fitted to training as a JSON file, to be named where regimes are."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ..errors import UserError
from .trained import TrainedRegime

SUFFIX = ".json"


def write_regime(regime: TrainedRegime, file: Path) -> Path:
    """Write it, with all its numbers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(regime), indent=2) + "\n")
    return file


def read_regime(file: Path) -> TrainedRegime:
    """Inverse of `write_regime`; a `UserError` where the file is none."""
    try:
        value = json.loads(file.read_text())
        known = {each.name: value[each.name] for each in fields(TrainedRegime)}
        typed = {name: _typed(name, entry) for name, entry in known.items() if name != "name"}
        # Its results lie in a folder of this name.
        return TrainedRegime(name=file.stem, **typed)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"no regime in {file}: {type(error).__name__}: {error}") from None


def _typed(name: str, value: Any) -> Any:
    """A value of the type of the field's default."""
    wanted = {each.name: type(each.default) for each in fields(TrainedRegime)}[name]
    if name in ("name", "about"):
        wanted = str
    if wanted is tuple:
        lengths = {"start": 4, "spread": 4}
        if len(value) != lengths[name]:
            raise ValueError(f"{name} has {len(value)} numbers and needs {lengths[name]}")
        return tuple(float(number) for number in value)
    if wanted is bool and not isinstance(value, bool):
        raise TypeError(f"{name} is true or false")
    return wanted(value)
