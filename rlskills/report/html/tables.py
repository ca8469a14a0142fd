"""Tables that the page sorts and filters, with the arms that rows and columns belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...evaluation.measures.verdicts import Outcome
from ..section import EVAL_SET, Section
from .part import Look

LINES = 3
"""Lines below a table that are not folded."""
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
    )


def _owner(keys: Sequence[str], arms: Mapping[str, Look]) -> int | None:
    return _number(keys[0], arms) if keys else None


def _number(name: str, arms: Mapping[str, Look]) -> int | None:
    return arms[name].number if name in arms else None
