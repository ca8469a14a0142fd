"""A titled table of text, and how its cells are written."""

from __future__ import annotations

from dataclasses import dataclass

from ..runs.tags import Address
from ..stats import Interval, short

NONE = "-"
EVAL_SET = "eval set"
"""Header of the column that names eval sets."""


@dataclass(frozen=True)
class Section:
    """One titled table: the first `keys` columns name the row; `lines` stand below it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: int
    lines: tuple[str, ...] = ()


def where(address: Address) -> str:
    """An eval set as rows name it."""
    return f"{address[0]} L{address[1]}"


def signed(interval: Interval | None) -> str:
    """A difference with its sign, and a star where its interval excludes 0."""
    if interval is None:
        return NONE
    plus = "+" if short(interval.mean)[0] not in "-" and short(interval.mean) != ".00" else ""
    return f"{plus}{interval}{' *' if interval.excludes(0.0) else ''}"
