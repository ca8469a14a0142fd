"""A comparison on the terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..tables import escape, markdown, print_table, printable
from .comparison import Cells, Comparison
from .section import EVAL_SET, Section
from .sections import sections

if TYPE_CHECKING:
    from ..console import Console


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the tables that a terminal has room for, those wider than it in parts."""
    print_sections(comparison, sections(comparison, page=False), console)


def print_sections(comparison: Comparison, shown: Sequence[Section], console: Console) -> None:
    """Print some tables of a comparison, with its title and notes."""
    console.print(f"\n{printable(comparison.title)}", style="bold", highlight=False)
    for section in shown:
        print_section(section, console)
    for note in comparison.notes:
        console.print(f"note: {printable(note)}", style="yellow", highlight=False)


def print_section(section: Section, console: Console) -> None:
    """Print one table with its title and the lines below it."""
    console.print(f"\n{section.title}", style="bold", highlight=False)
    if section.rows:
        by_group = _group if section.header[0] == EVAL_SET else None
        print_table(console, section.header, section.rows, section.keys, by_group)
    for line in section.lines:
        console.print(printable(line), style="dim", highlight=False)


def _group(row: Sequence[str]) -> str:
    return row[0].rpartition(" ")[0]


def to_markdown(comparison: Comparison) -> str:
    """The same tables for a README or a docs page."""
    parts = [f"## {escape(comparison.title)}\n"]
    parts += [section_markdown(section) for section in sections(comparison)]
    parts += [f"> Note: {escape(note)}\n" for note in comparison.notes]
    return "\n".join(parts)


def section_markdown(section: Section) -> str:
    """A section as Markdown under a heading of the third level."""
    parts = [f"### {escape(section.title)}\n"]
    if section.rows:
        parts.append(markdown(section.header, section.rows, numbers_from=section.keys))
    parts += [f"{escape(line)}\n" for line in section.lines]
    return "\n".join(parts)


def to_json(comparison: Comparison) -> str:
    """All numbers unrounded; a cell is found by group, level and arm."""
    document = {
        "title": comparison.title,
        "arms": [asdict(arm) for arm in comparison.arms],
        "measures": [
            {
                "name": measure.name,
                "accuracy": _cells(comparison, measure.accuracy),
                "over_base": _cells(comparison, measure.over_base),
            }
            for measure in comparison.measures
        ],
        "crossovers": [
            asdict(crossover) | {"text": crossover.sentence()}
            for crossover in comparison.crossovers
        ],
        "notes": list(comparison.notes),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _cells(comparison: Comparison, cells: Cells) -> list[dict[str, Any]]:
    return [
        {
            "group": address[0],
            "level": address[1],
            "problems": comparison.problems[address],
            "arm": arm,
            **asdict(interval),
        }
        for address, row in cells.items()
        for arm, interval in row.items()
    ]
