"""`KEY=VALUE` texts, as a command line gives them, to values by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..errors import UserError, short


def read_pairs(pairs: Sequence[str], owner: str) -> dict[str, Any]:
    """`("a=1", "b=text")` as `{"a": 1, "b": "text"}`: JSON where a value is JSON, else text.

    A text without `=`, without a name, or with a name that came before is a `UserError`, which
    names `owner`.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, given, value = pair.partition("=")
        name = name.strip()
        if not given or not name:
            raise UserError(f"{owner}: {short(pair)} is not of the form KEY=VALUE")
        if name in found:
            raise UserError(f"{owner}: {name} is set twice")
        found[name] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
