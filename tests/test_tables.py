from __future__ import annotations

import io

import pytest

from rlskills.console import Console
from rlskills.tables import fitting, markdown, print_table, printable

HOSTILE = "\x1b[31m[red]x[/red]\x00\x07\u202e\x9b5m"


def shown(header, rows, width: int = 80, **options) -> str:
    out = io.StringIO()
    print_table(Console(file=out, width=width), header, rows, **options)
    return out.getvalue()


def test_markdown_aligns_numbers_and_shows_marks_as_they_are():
    table = markdown(("a_b", "n"), [("x|y", "*1*"), ("`q`\n<b>", "2")], numbers_from=1)
    assert table == ("| a\\_b | n |\n| --- | ---: |\n| x\\|y | \\*1\\* |\n| \\`q\\` &lt;b> | 2 |\n")


def test_a_link_in_a_cell_is_text():
    assert "[x]\\(http" in markdown(("a",), [("[x](http://e)",)])


def test_cells_that_are_markdown_already_stay():
    assert "| **1** |" in markdown(("a",), [("**1**",)], escaped=True)


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 cells in a table of 1"):
        markdown(("a",), [("1", "2")])


def test_hostile_text_does_not_reach_the_terminal():
    assert printable(HOSTILE) == "\\x1b[31m[red]x[/red]\\x00\\x07\\u202e\\x9b5m"
    assert printable("é 漢 😀\n") == "é 漢 😀\\n"
    assert printable("a\nb\r", lines=True) == "a\nb\\r"
    assert printable("\ud800") == "\\ud800"
    table = shown((HOSTILE, "n"), [(HOSTILE, "1")])
    assert not {"\x1b", "\x00", "\x07", "\u202e", "\x9b"} & set(table)
    assert table.count("[red]x[/red]") == 2


def test_wide_tables_are_printed_in_parts_with_their_keys():
    header = ("arm", *(f"column{i}" for i in range(20)))
    rows = [("first", *"a" * 20), ("second", *"b" * 20)]
    table = shown(header, rows, width=40)
    assert all(len(line) <= 40 for line in table.splitlines())
    parts = fitting(header, rows, 1, 40)
    assert table.count("second") == len(parts) > 1
    assert [column for part in parts for column in part[1:]] == list(range(1, 21))
    assert len(fitting(header, rows, 1, 5)) == 20
    assert fitting(("a", "b"), [], 2, 80) == [[0, 1]]
