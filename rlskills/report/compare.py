"""Runs laid side by side: `rlskills compare RUN ...` as terminal tables, Markdown or JSON.

    comparison = compare(["runs/quickstart"])
    print_comparison(comparison, rich.console.Console())
    Path("results.md").write_text(to_markdown(comparison))

One list of `Section`s feeds the terminal and the Markdown page, so that the two never disagree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..stats import Interval, short
from .crossover import AXES, Crossover, Passing, spans
from .reading import BASE, BUDGETS, Address, Run, load_runs
from .tables import Cells, Comparison, Measure, build

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Comparison", "Run", "build", "compare", "load_runs", "print_comparison"]
__all__ += ["Section", "sections", "to_json", "to_markdown"]

NONE = "-"
GAP = 2
"""Blanks between columns on the terminal."""


@dataclass(frozen=True)
class Section:
    """One titled table: the first `keys` columns name the row; `lines` stand below it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: int
    lines: tuple[str, ...] = ()


def compare(paths: Iterable[str | Path]) -> Comparison:
    """The comparison of all evaluated runs in `paths`, run folders or parents of run folders."""
    notes: list[str] = []
    runs = load_runs(paths, notes)
    return build(runs, notes)


def sections(comparison: Comparison) -> list[Section]:
    """The comparison as tables of text, in the order in which to read them."""
    made = []
    for measure in comparison.measures:
        if measure.accuracy:
            made.append(_accuracy(comparison, measure))
        if any(measure.over_base.values()):
            made.append(_over_base(comparison, measure))
    made.append(_budgets(comparison))
    if comparison.crossovers:
        made.append(_crossovers(comparison))
    return made


def _accuracy(comparison: Comparison, measure: Measure) -> Section:
    names = [arm.name for arm in comparison.arms]
    rows = [
        (_place(place), *(str(cells[name]) for name in names))
        for place, cells in measure.accuracy.items()
    ]
    lines = (f"{_problems(comparison)}95% intervals: {_methods(measure.accuracy)}.",)
    return Section(_title(measure), ("eval set", *names), tuple(rows), 1, lines)


def _over_base(comparison: Comparison, measure: Measure) -> Section:
    names = [arm.name for arm in comparison.arms if arm.name != BASE]
    rows = [
        (_place(place), *(_signed(cells.get(name)) for name in names))
        for place, cells in measure.over_base.items()
    ]
    lines = (
        "* the interval excludes 0 (each cell for itself; not corrected for their number). "
        f"95% intervals: {_methods(measure.over_base)}.",
    )
    return Section(f"{_title(measure)} minus {BASE}", ("eval set", *names), tuple(rows), 1, lines)


def _title(measure: Measure) -> str:
    return "Greedy accuracy" if measure.name == "greedy" else f"Sampled {measure.name}"


def _problems(comparison: Comparison) -> str:
    """How many problems a cell rests on."""
    counts = sorted(set(comparison.problems.values()))
    span = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{span} problems in a cell. "


def _signed(interval: Interval | None) -> str:
    if interval is None:
        return NONE
    plus = "+" if short(interval.mean)[0] not in "-" and short(interval.mean) != ".00" else ""
    return f"{plus}{interval}{' *' if interval.excludes(0.0) else ''}"


def _place(place: Address) -> str:
    return f"{place[0]} L{place[1]}"


def _methods(cells: Cells) -> str:
    methods = dict.fromkeys(one.method for row in cells.values() for one in row.values())
    return "; ".join(methods)


def _budgets(comparison: Comparison) -> Section:
    rows = [
        (
            arm.name,
            arm.information,
            str(len(arm.seeds)),
            compact(arm.problems),
            *(compact(arm.budgets.get(name)) for name in BUDGETS),
        )
        for arm in comparison.arms
    ]
    spent = ("samples", "rollouts", "generated", "trained", "seconds")
    header = ("arm", "told", "seeds", "problems", *spent)
    lines = (
        "Means over seeds, since the arm began; generated and trained count tokens. A claim of "
        "one arm over another holds between arms told the same.",
    )
    return Section("Information and budgets", header, tuple(rows), 1, lines)


def compact(value: float | None) -> str:
    """Three digits and a unit: `987`, `12.8k`, `1.23M`."""
    if value is None:
        return NONE
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size * 0.9995:
            return (
                f"{value / size:.3g}{unit}" if value / size < 999.5 else f"{value / size:.0f}{unit}"
            )
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _crossovers(comparison: Comparison) -> Section:
    """Rows for arms that overtake and end clearly ahead; a line for each pair about the rest."""
    rows = []
    for one in comparison.crossovers:
        if _overtakes(one):
            told = "same" if one.same_information else "different"
            at = [_passing(one.passing.get(axis)) for axis in AXES]
            place = _place((one.group, one.level))
            rows.append((place, f"{one.leader} > {one.trailer}", told, *at, f"+{short(one.lead)}"))
    header = ("eval set", "ahead", "told", "samples", "gen. tokens", "seconds", "lead at end")
    lines = (
        "Budget from which the mean over seeds stays ahead. start: from the first evaluation; "
        "^: after the other arm had ended; -: one of the two spends none. told: whether the two "
        "arms were given the same information.",
    )
    lines = (*(lines if rows else ()), *_rest(comparison.crossovers))
    return Section("Crossovers", header, tuple(rows), 3, lines)


def _overtakes(one: Crossover) -> bool:
    return one.leader is not None and one.crosses and one.clear is not False


def _passing(passing: Passing | None) -> str:
    if passing is None:
        return NONE
    return "start" if passing.from_start else compact(passing.at) + "^" * passing.after_end


def _rest(crossovers: Sequence[Crossover]) -> list[str]:
    """The pairs without a row, gathered: `... grpo and rft: train L1-L2; held_out L3.`"""
    gathered: dict[str, dict[str, list[int]]] = {}
    for one in crossovers:
        if _overtakes(one):
            continue
        what = f"Ahead from the start, {one.leader} > {one.trailer}"
        if one.leader is None or one.clear is False:
            what = f"No clear lead at the end, {' and '.join(one.arms)}"
        gathered.setdefault(what, {}).setdefault(one.group, []).append(one.level)
    lines = []
    for what, places in sorted(gathered.items()):
        where = "; ".join(f"{group} {spans(levels)}" for group, levels in places.items())
        lines.append(f"{what}: {where}.")
    return lines


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print every table; one with more columns than the console is wide is printed in parts."""
    console.print(f"\n[bold]{comparison.title}[/bold]", highlight=False)
    for section in sections(comparison):
        console.print(f"\n[bold]{section.title}[/bold]", highlight=False)
        for columns in fitting(section, console.width) if section.rows else []:
            _print_table(section, columns, console)
        for line in section.lines:
            console.print(line, style="dim", highlight=False, markup=False)
    for note in comparison.notes:
        console.print(f"note: {note}", style="yellow", highlight=False, markup=False)


def fitting(section: Section, width: int) -> list[list[int]]:
    """Column numbers of each part: the key columns and as many others as `width` takes."""
    columns = zip(section.header, *section.rows, strict=True)
    sizes = [max(map(len, column)) + GAP for column in columns]
    keys = list(range(section.keys))
    parts: list[list[int]] = []
    room = 0
    for column in range(section.keys, len(section.header)):
        if not parts or sizes[column] > room:
            parts.append(list(keys))
            room = width - sum(sizes[key] for key in keys)
        parts[-1].append(column)
        room -= sizes[column]
    return parts


def _print_table(section: Section, columns: Sequence[int], console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # One blank of padding and the one of the box make up GAP.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, GAP - 1, 0, 0))
    for column in columns:
        right = column >= section.keys
        table.add_column(Text(section.header[column]), justify="right" if right else "left")
    before = section.rows[0][0].split()[0]
    for row in section.rows:
        group = row[0].split()[0]
        if group != before and section.header[0] == "eval set":
            table.add_section()
        before = group
        table.add_row(*(Text(row[column]) for column in columns))
    console.print(table)


def to_markdown(comparison: Comparison) -> str:
    """The same tables for a README or a docs page."""
    lines = [f"## {_escape(comparison.title)}", ""]
    for section in sections(comparison):
        lines += [f"### {_escape(section.title)}", ""]
        if section.rows:
            rule = ["---" if i < section.keys else "---:" for i in range(len(section.header))]
            for row in (section.header, rule, *section.rows):
                lines.append("| " + " | ".join(_escape(cell) for cell in row) + " |")
            lines.append("")
        for line in section.lines:
            lines += [_escape(line), ""]
    lines += [f"> Note: {_escape(note)}\n" for note in comparison.notes]
    return "\n".join(lines).rstrip() + "\n"


def _escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    for mark in "\\|*_<":
        text = text.replace(mark, "\\" + mark)
    return text


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
        "crossovers": [asdict(one) | {"text": one.sentence()} for one in comparison.crossovers],
        "notes": list(comparison.notes),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _cells(comparison: Comparison, cells: Cells) -> list[dict[str, Any]]:
    return [
        {
            "group": place[0],
            "level": place[1],
            "problems": comparison.problems[place],
            "arm": arm,
            **asdict(interval),
        }
        for place, row in cells.items()
        for arm, interval in row.items()
    ]
