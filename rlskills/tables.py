"""One way to write a table: Markdown for a page, rich for a terminal.

    page.write_text(markdown(("arm", "accuracy"), rows, numbers_from=1))
    print_table(console, ("arm", "accuracy"), rows, keys=1)

Cells are plain text. Nothing in them is markup: what Markdown or rich would read as such, and
control characters that would reach the terminal, are escaped here and nowhere else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from .console import Console

GAP = 2
"""Blanks between columns on the terminal."""
# A backslash before < is shown as it is by TensorBoard's Markdown, an entity by none.
_MARKS = str.maketrans(
    {mark: "\\" + mark for mark in "\\`|*_"} | {"<": "&lt;", "&": "&amp;", "\0": "\ufffd"}
)


def escape(text: str) -> str:
    """Text of one line that Markdown shows as it is."""
    return " ".join(text.splitlines()).translate(_MARKS).replace("](", "]\\(")


def bold(text: str) -> str:
    """Text of a cell, escaped and bold; for rows written with `escaped=True`."""
    return f"**{escape(text)}**"


def markdown(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers_from: int | None = None,
    escaped: bool = False,
) -> str:
    """A Markdown table with a newline at its end.

    Columns from number `numbers_from` on are aligned to the right. With `escaped` the cells of
    `rows` are Markdown already: `escape` what is not.
    """
    numbers = len(header) if numbers_from is None else numbers_from
    rule = ["---" if column < numbers else "---:" for column in range(len(header))]
    inner = [list(row) if escaped else [escape(cell) for cell in row] for row in rows]
    for row in inner:
        if len(row) != len(header):
            raise ValueError(f"a row of {len(row)} cells in a table of {len(header)} columns")
    lines = [[escape(title) for title in header], rule, *inner]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def printable(text: str, lines: bool = False) -> str:
    """Text that a terminal shows and does not obey: control characters, also those that turn the
    direction of writing, become escapes such as `\\x1b`. With `lines`, line ends stay."""
    return "".join(
        character
        if (lines and character == "\n") or not _obeyed(character)
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def _obeyed(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def fitting(
    header: Sequence[str], rows: Sequence[Sequence[str]], keys: int, width: int
) -> list[list[int]]:
    """Column numbers of each part: the first `keys` columns and as many others as `width` takes."""
    columns = zip(header, *rows, strict=True)
    sizes = [max(map(len, column)) + GAP for column in columns]
    parts: list[list[int]] = []
    room = 0
    for column in range(keys, len(header)):
        if not parts or sizes[column] > room:
            parts.append(list(range(keys)))
            room = width - sum(sizes[:keys])
        parts[-1].append(column)
        room -= sizes[column]
    return parts or [list(range(len(header)))]


def terminal_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    keys: int = 1,
    section: Callable[[Sequence[str]], object] | None = None,
) -> Table:
    """A rich table; columns behind the first `keys` are aligned to the right.

    A line is drawn where `section` of a row differs from that of the row above.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # One blank of padding and the one of the box make up GAP.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, GAP - 1, 0, 0))
    for column, title in enumerate(header):
        justify = "right" if column >= keys else "left"
        table.add_column(Text(printable(title)), justify=justify, overflow="fold")
    for number, row in enumerate(rows):
        if section and number and section(row) != section(rows[number - 1]):
            table.add_section()
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def print_table(
    console: Console,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    keys: int = 1,
    section: Callable[[Sequence[str]], object] | None = None,
) -> None:
    """Print a table; one with more columns than the console is wide is printed in parts, each with
    the key columns."""
    for number, part in enumerate(fitting(header, rows, keys, console.width)):
        if number:
            console.print()
        picked = [[row[column] for column in part] for row in rows]
        key = section and (lambda row: section(row))
        console.print(terminal_table([header[column] for column in part], picked, keys, key))
