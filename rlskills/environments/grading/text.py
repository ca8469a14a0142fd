"""Graders of answers that are words, lists of words, or fields of a JSON object."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from ..parsing import json_object

LONGEST = 20_000
"""Characters above which a text is no answer."""

_SEPARATOR = re.compile(r"\s*[,;\n]\s*|\s+")


def exact(answer: str, expected: str) -> bool:
    """Equality to the character."""
    return answer == expected


def normalised(answer: str, expected: str) -> bool:
    """Equality but for case, compatibility forms (full-width letters, say) and white space."""
    return len(answer) <= LONGEST and _plain(answer) == _plain(expected)


def ordered_list(answer: str, expected: Sequence[str], *, partial: bool = False) -> float:
    """1 for the same items in the same order, else 0 or, with `partial`, the share of places
    (of the longer list) that agree; see `read_list` for what may stand between items."""
    found = read_list(answer)
    if found is None or not partial:
        return float(found == list(expected))
    places = max(len(found), len(expected))
    agree = sum(item == other for item, other in zip(found, expected, strict=False))
    return agree / places if places else 1.0


def read_list(text: str) -> list[str] | None:
    """Items of a list: a JSON list, or words between commas, semicolons, lines or spaces.

    Square brackets around the latter and quotes around an item are dropped. None for text that is
    too long. Items with spaces in them need the JSON form.
    """
    if len(text) > LONGEST:
        return None
    text = text.strip()
    if text.startswith("["):
        found = _json(text)
        if isinstance(found, list):
            return [item if isinstance(item, str) else json.dumps(item) for item in found]
        text = text[1:].removesuffix("]").strip()
    items = [_unquoted(item) for item in _SEPARATOR.split(text)]
    return items if items != [""] else []


def json_field(text: str, field: str, expected: Any) -> bool:
    """Whether a field of the last JSON object in `text` holds this value, of this JSON type.

    1 and 1.0 are the same number; 1 and true, or 1 and "1", are not the same.
    """
    found = json_object(text)
    return found is not None and field in found and _same(found[field], expected)


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON values without recursion, for text may nest deeper than the stack."""
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if isinstance(one, bool) or isinstance(other, bool):
            equal = one is other
        elif isinstance(one, dict) and isinstance(other, dict):
            equal = one.keys() == other.keys()
            pairs += [(one[key], other[key]) for key in one] if equal else []
        elif isinstance(one, list) and isinstance(other, list | tuple):
            equal = len(one) == len(other)
            pairs += zip(one, other, strict=False)
        else:
            equal = one == other
        if not equal:
            return False
    return True


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _unquoted(item: str) -> str:
    quoted = len(item) > 1 and item[0] == item[-1] and item[0] in "'\""
    return item[1:-1] if quoted else item


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
