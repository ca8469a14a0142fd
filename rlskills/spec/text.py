"""`Spec`: a name and its options, to and from text and JSON.

The text is that of a web address. Characters with a meaning (`%`, `&`, `+`, `?`, parentheses,
spaces and other ASCII punctuation) are percent-encoded, and `+` is a space in a value. A value in
parentheses is a spec itself; a list is `a,b,c` or JSON; a mapping is JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import unquote, unquote_plus

from ..errors import UserError, short

Plain: TypeAlias = "bool | int | float | str | tuple[Plain, ...] | dict[str, Plain] | Spec | None"
"""What an option may be. Lists become tuples, so that a spec equals its copy read from JSON."""

MAX_NESTING = 32
"""Specs inside specs (or lists inside lists); more is a mistake or an attack on the parser."""
NESTED = "$spec"
"""The key that marks a nested spec in JSON."""
_PARENTHESIS = re.compile(r"[()]")
_MARKED = re.compile(r"[\x00-\x7f](?<![A-Za-z0-9/:,.\-_~@*!])")


@dataclass(frozen=True)
class Spec:
    """A name and the options that were given with it.

    Two specs are equal if their names and options are. Options read from text are text until
    `rlskills.spec.typed` reads them by the fields of a dataclass.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name):
            raise UserError("a spec must begin with a name, as in NAME?option=value")
        plain = {key: _plain(value, self.name, key) for key, value in self.options.items()}
        object.__setattr__(self, "options", plain)

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_json(), sort_keys=True))

    @classmethod
    def parse(cls, text: str) -> Spec:
        """The spec that a text says; `UserError` in one line where it says none."""
        return _parse(text, MAX_NESTING)

    def __str__(self) -> str:
        name = re.sub(r"[%?()&]", _escape, self.name)
        items = (f"{_quote(key)}={_text(value)}" for key, value in self.options.items())
        query = "&".join(items)
        return f"{name}?{query}" if query else name

    def to_json(self) -> dict[str, Any]:
        """`name` and `options` as JSON can hold them; `from_json` gives an equal spec back."""
        return {"name": self.name, "options": {k: _json(v) for k, v in self.options.items()}}

    @classmethod
    def from_json(cls, data: Any) -> Spec:
        """The spec that `to_json` wrote."""
        if not (isinstance(data, Mapping) and isinstance(data.get("name"), str)):
            raise UserError(f"not a spec: {short(data)}")
        options = data.get("options", {})
        if not isinstance(options, Mapping):
            raise UserError(f"the options of a spec must be a mapping, not {short(options)}")
        return cls(data["name"], {key: from_plain_json(value) for key, value in options.items()})

    def replace(self, **options: Any) -> Spec:
        """The same spec with some options set or changed."""
        return Spec(self.name, {**self.options, **options})


def from_plain_json(value: Any) -> Any:
    """An option from its JSON form: nested specs are specs again."""
    if isinstance(value, Mapping):
        if set(value) == {NESTED}:
            return Spec.from_json(value[NESTED])
        return {key: from_plain_json(item) for key, item in value.items()}
    return tuple(map(from_plain_json, value)) if isinstance(value, list) else value


def _json(value: Any) -> Any:
    if isinstance(value, Spec):
        return {NESTED: value.to_json()}
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, tuple) else value


def _plain(value: Any, owner: str, key: object, room: int = MAX_NESTING) -> Any:
    """`value` with lists as tuples; `UserError` if text and JSON cannot hold it."""
    about = f"option {short(key)} of {short(owner)}"
    if not isinstance(key, str):
        raise UserError(f"{about} must have a text as its name")
    if room == 0:
        raise UserError(f"{about} is nested more than {MAX_NESTING} deep")
    if isinstance(value, list | tuple):
        return tuple(_plain(item, owner, key, room - 1) for item in value)
    if isinstance(value, Mapping):
        if NESTED in value:
            raise UserError(f"{about} must not use the key {NESTED!r}")
        return {name: _plain(item, owner, name, room - 1) for name, item in value.items()}
    if not isinstance(value, bool | int | float | str | Spec | None):
        raise UserError(f"{about} must be a plain value, not of type {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{about} must be finite, not {value}")
    return value


def _text(value: Any) -> str:
    if isinstance(value, Spec):
        return f"({value})"
    return _quote(_word(value))


def _word(value: Any) -> str:
    """An option as unquoted text."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, tuple):
        words = [_word(item) for item in value]
        simple = all(
            word and word == word.strip() and "," not in word and not word.startswith(("[", "{"))
            for word in words
        )
        if simple and not any(isinstance(item, tuple | dict | Spec) for item in value):
            return ",".join(words)
    return json.dumps(_json(value)) if isinstance(value, tuple | dict | Spec) else str(value)


def _quote(text: str) -> str:
    return _MARKED.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _parse(text: str, room: int) -> Spec:
    if room == 0:
        raise UserError(f"a spec may hold at most {MAX_NESTING - 1} specs inside each other")
    name, _, query = text.partition("?")
    options: dict[str, Any] = {}
    for key, value in _items(query, text, room):
        if key in options:
            raise UserError(f"option {short(key)} is given twice in {short(text)}")
        options[key] = value
    return Spec(unquote(name), options)


def _items(query: str, text: str, room: int) -> Iterator[tuple[str, str | Spec]]:
    """Names and values of `key=value&key=(nested)&...`; empty items are skipped."""
    start = 0
    while start < len(query):
        end = query.find("&", start)
        end = len(query) if end < 0 else end
        equals = query.find("=", start, end)
        if equals < 0 and end > start:
            key = unquote_plus(query[start:end])
            raise UserError(f"option {short(key)} needs a value in {short(text)}: {short(key)}=...")
        if equals >= 0:
            key = unquote_plus(query[start:equals])
            if query.startswith("(", equals + 1):
                end = _closing(query, equals + 1, text)
                yield key, _parse(query[equals + 2 : end - 1], room - 1)
            else:
                yield key, unquote_plus(query[equals + 1 : end])
        start = end + 1


def _closing(query: str, start: int, text: str) -> int:
    """The index after the parenthesis that closes the one at `start`."""
    depth = 0
    for match in _PARENTHESIS.finditer(query, start):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            end = match.end()
            if end < len(query) and query[end] != "&":
                raise UserError(f"expected & or the end after a parenthesis in {short(text)}")
            return end
    raise UserError(f"a parenthesis is not closed in {short(text)}")
