"""Tables that the page sorts and filters, with the arms that rows and columns belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...evaluation.measures.verdicts import Outcome
from ..section import EVAL_SET, NONE, Section
from .part import Look

LINES = 3
"""Lines below a table that are not folded."""
_NUMBER = re.compile(r"[+-]?(\d|\.\d)")
_NO_NUMBER = (NONE, "", "n/a", "from start")
OUTCOMES: tuple[Outcome, ...] = ("reproduced", "not reproduced", "inconclusive", "not testable")


@dataclass(frozen=True)
class Table:
    """A section; `columns` and `owners` have the number of the arm of each column and row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: int
    lines: tuple[str, ...]
    columns: tuple[int | None, ...]
    owners: tuple[int | None, ...]
    numeric: tuple[bool, ...]
    """Whether a column has numbers and nothing else that a reader would compare."""


def table(section: Section, arms: Mapping[str, Look]) -> Table:
    """A section for the page: a column for each arm becomes a row, so that arms can be sorted."""
    header, rows = section.header, section.rows
    if header and header[0] == EVAL_SET and section.keys == 1 and set(header[1:]) <= arms.keys():
        turned = list(zip(header, *rows, strict=True))
        header, rows = ("arm", *turned[0][1:]), tuple(turned[1:])
    return Table(
        section.title,
        header,
        rows,
        section.keys,
        section.lines,
        tuple(_number(title, arms) for title in header),
        tuple(_owner(row[: section.keys], arms) for row in rows),
        tuple(
            column >= section.keys and _is_numeric([row[column] for row in rows])
            for column in range(len(header))
        ),
    )


def _is_numeric(cells: Sequence[str]) -> bool:
    return all(_NUMBER.match(cell) or cell in _NO_NUMBER for cell in cells)


def _owner(keys: Sequence[str], arms: Mapping[str, Look]) -> int | None:
    return _number(keys[0], arms) if keys else None


def _number(name: str, arms: Mapping[str, Look]) -> int | None:
    return arms[name].number if name in arms else None
