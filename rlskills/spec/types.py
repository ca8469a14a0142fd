"""`typed`: options, given as text or as values, read by the fields of a dataclass."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import UnknownName, UserError, short
from .text import Spec, from_plain_json

BOOLS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
NONES = ("none", "null")


class _Mismatch(Exception):
    """A value is not of a type; the caller says of which option."""


def typed(options: Mapping[str, Any], dataclass_type: type, owner: str) -> dict[str, Any]:
    """`options` with every value of the type that the field of `dataclass_type` declares.

    Text is read as bool, int, float, `Literal`, `X | None`, tuples (`a,b` or JSON), mappings (JSON)
    or a `Spec`. A field without a usable type takes that of its default. An option that is no field
    is an `UnknownName` with the nearest hint, a value of the wrong type a `UserError`; `owner` is
    the name that both messages give.
    """
    known = _types(dataclass_type)
    read: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known:
            raise UnknownName(f"option of {owner}", name, known)
        try:
            read[name] = _read(value, known[name])
        except _Mismatch:
            raise UserError(
                f"{owner}: option {name}={short(value)} is not of type {_shown(known[name])}"
            ) from None
    return read


@lru_cache(maxsize=512)
def _types(dataclass_type: Any) -> dict[str, Any]:
    try:
        hints = get_type_hints(dataclass_type)
    except (NameError, TypeError, AttributeError):  # a type of a function's own namespace
        hints = {}
    return {
        item.name: _declared(item, hints.get(item.name, Any))
        for item in fields(dataclass_type)
        if item.init
    }


def _declared(item: Field[Any], hint: Any) -> Any:
    default = None if item.default is MISSING else item.default
    scalar = isinstance(default, bool | int | float | str)
    return type(default) if hint is Any and scalar else hint


def _read(value: Any, kind: Any) -> Any:
    """`value` as `kind`, or `_Mismatch`."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union(value, get_args(kind))
    if origin is Literal:
        return _literal(value, get_args(kind))
    reader = _READERS.get(origin or kind)
    if reader is not None:
        return reader(value, get_args(kind))
    if isinstance(kind, type) and not isinstance(value, kind):
        raise _Mismatch
    return value  # Any, and types that only the field's owner understands


def _union(value: Any, kinds: tuple[Any, ...]) -> Any:
    """As the first member that takes it: text is text only if it is nothing else."""
    for kind in sorted(kinds, key=lambda kind: kind is str and isinstance(value, str)):
        if kind is float and isinstance(value, int) and int in kinds:
            continue
        try:
            return _read(value, kind)
        except _Mismatch:
            continue
    raise _Mismatch


def _literal(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    for choice in choices:
        try:
            if isinstance(value, str) and _read(value, type(choice)) == choice:
                return choice
        except _Mismatch:
            continue
    raise _Mismatch


def _bool(value: Any, _: tuple[Any, ...]) -> bool:
    if isinstance(value, str):
        value = BOOLS.get(value.strip().lower())
    if not isinstance(value, bool):
        raise _Mismatch
    return value


def _int(value: Any, _: tuple[Any, ...]) -> int:
    return _number(value, int, int)


def _float(value: Any, _: tuple[Any, ...]) -> float:
    number = _number(value, float, int | float)
    if not math.isfinite(number):
        raise _Mismatch
    return number


def _number(value: Any, kind: Callable[[Any], Any], accepted: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, accepted | str):
        raise _Mismatch
    try:
        return kind(value)
    except (ValueError, OverflowError):  # also a text of more digits than Python reads
        raise _Mismatch from None


def _str(value: Any, _: tuple[Any, ...]) -> str:
    if not isinstance(value, str):
        raise _Mismatch
    return value


def _none(value: Any, _: tuple[Any, ...]) -> None:
    if value is not None and not (isinstance(value, str) and value.lower() in NONES):
        raise _Mismatch


def _spec(value: Any, _: tuple[Any, ...]) -> Spec:
    if isinstance(value, str):
        return Spec.parse(value)
    if not isinstance(value, Spec):
        raise _Mismatch
    return value


def _tuple(value: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = _from_json(value) if value.lstrip().startswith("[") else _split(value)
    if not isinstance(value, tuple | list):
        raise _Mismatch
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    elif not kinds:
        kinds = (Any,) * len(value)
    if len(kinds) != len(value):
        raise _Mismatch
    return tuple(map(_read, value, kinds))


def _sequence(value: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    return _tuple(value, (kinds[0] if kinds else Any, ...))


def _mapping(value: Any, kinds: tuple[Any, ...]) -> dict[str, Any]:
    if isinstance(value, str):
        value = _from_json(value)
    if not isinstance(value, Mapping):
        raise _Mismatch
    return {key: _read(item, kinds[1] if kinds else Any) for key, item in value.items()}


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")] if text.strip() else []


def _from_json(text: str) -> Any:
    try:
        return from_plain_json(json.loads(text))
    except (ValueError, RecursionError):
        raise _Mismatch from None


_READERS: dict[Any, Callable[[Any, tuple[Any, ...]], Any]] = {
    bool: _bool, int: _int, float: _float, str: _str, type(None): _none, Spec: _spec,
    tuple: _tuple, list: lambda value, kinds: list(_sequence(value, kinds)), Sequence: _sequence,
    dict: _mapping, Mapping: _mapping,
}  # fmt: skip


def _shown(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " | ".join(map(repr, get_args(kind)))
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
