"""Random generators and split ownership by hash.

No seed arithmetic (seed 43 must not be seed 42 shifted by one), no global generator, and nothing
that depends on Python's hash seed: every process draws the same task for the same address.
"""

from __future__ import annotations

import json
import random
from dataclasses import field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from hashlib import blake2b
from typing import Any, TypeVar

from ..errors import UserError

T = TypeVar("T")
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def digest(*parts: Any, size: int = 16) -> str:
    """Hex digest of JSON-able `parts`; equal parts give equal digests on every machine."""
    text = _encode(parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def rng_of(*address: Any) -> random.Random:
    """A generator of its own for one address, independent of every other address's."""
    return random.Random(int(digest(*address), 16))


def seed_from(*address: Any) -> int:
    """A 63-bit seed for generators that want an integer (torch, numpy)."""
    return int(digest(*address, size=8), 16) >> 1


def off_stream(default: T, named: bool = False) -> T:
    """A field of a `Config` that changes how problems are written or split, not which are drawn.

    Its value is no part of `stream_key`: the same addresses draw the same problems. With `named`
    the key has the default in its place whatever the value, so that a field which was part of the
    key before leaves the addresses of its default as they were.
    """
    return field(default=default, metadata={"stream": "default" if named else False})


def stream_key(cfg: Any) -> str:
    """The text by which a `Config` names its random stream: its class and its fields.

    Fields made by `off_stream` do not count, and neither does how a type displays itself. An
    option of a type that has no text of its own here is a `UserError`.
    """
    name = type(cfg).__qualname__
    parts = []
    for item in fields(cfg):
        how = item.metadata.get("stream", True)
        value = item.default if how == "default" else getattr(cfg, item.name)
        if how:
            parts.append(f"{item.name}={_canonical(value, f'{name}.{item.name}')}")
    return f"{name}({', '.join(parts)})"


def _canonical(value: Any, about: str) -> str:
    """A value as text, whatever its type says in `__repr__`."""
    if isinstance(value, Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if value is None or isinstance(value, bool):
        return str(value)
    for kind in (int, float, str, datetime, date, time, timedelta):
        if isinstance(value, kind):
            return kind.__repr__(value)  # type: ignore[arg-type]
    if isinstance(value, list | tuple | set | frozenset):
        words = [_canonical(item, about) for item in value]
        if isinstance(value, list):
            return f"[{', '.join(words)}]"
        if isinstance(value, tuple):
            return f"({', '.join(words)}{',' * (len(words) == 1)})"
        return f"{{{', '.join(sorted(words))}}}"
    if isinstance(value, dict):
        pairs = (f"{_canonical(k, about)}: {_canonical(v, about)}" for k, v in value.items())
        return f"{{{', '.join(sorted(pairs))}}}"
    if is_dataclass(value):
        return stream_key(value)
    raise UserError(
        f"option {about} is of type {type(value).__name__}, which cannot name a random stream: use "
        "plain values, or off_stream() for a field that changes no problem"
    )
