"""A comparison as tables of text: one list of `Section`s for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ..runs.budget import BUDGETS, TITLES
from ..runs.folder import BASE
from ..runs.tags import spans
from ..stats import short
from .comparison import Cells, Comparison, Measure
from .crossover import COMPARED, Crossover, Passing
from .learned import learned
from .section import EVAL_SET, NONE, Section, signed, where


def sections(comparison: Comparison, page: bool = True) -> list[Section]:
    """The comparison as tables of text, in the order in which to read them; of what was learned
    only one where it is not for a page."""
    made = []
    for measure in comparison.measures:
        if measure.accuracy:
            made.append(_accuracy(comparison, measure))
        if any(measure.over_base.values()):
            made.append(_over_base(comparison, measure))
    made.append(_budgets(comparison))
    if comparison.crossovers:
        made.append(_crossovers(comparison))
    return [*made, *learned(comparison.runs, page)]


def _accuracy(comparison: Comparison, measure: Measure) -> Section:
    names = [arm.name for arm in comparison.arms]
    rows = [
        (where(address), *(str(cells[name]) for name in names))
        for address, cells in measure.accuracy.items()
    ]
    lines = (f"{_problems(comparison)}95% intervals: {_methods(measure.accuracy)}.",)
    return Section(_title(measure), (EVAL_SET, *names), tuple(rows), 1, lines)


def _over_base(comparison: Comparison, measure: Measure) -> Section:
    names = [arm.name for arm in comparison.arms if arm.name != BASE]
    rows = [
        (where(address), *(signed(cells.get(name)) for name in names))
        for address, cells in measure.over_base.items()
    ]
    lines = (
        "* the interval excludes 0 (each cell for itself; not corrected for their number). "
        f"95% intervals: {_methods(measure.over_base)}.",
    )
    return Section(f"{_title(measure)} minus {BASE}", (EVAL_SET, *names), tuple(rows), 1, lines)


def _title(measure: Measure) -> str:
    return "Greedy accuracy" if measure.name == "greedy" else f"Sampled {measure.name}"


def _problems(comparison: Comparison) -> str:
    """How many problems a cell rests on."""
    counts = sorted(set(comparison.problems.values()))
    span = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{span} problems in a cell. "


def _methods(cells: Cells) -> str:
    methods = dict.fromkeys(cell.method for row in cells.values() for cell in row.values())
    return "; ".join(methods)


def _budgets(comparison: Comparison) -> Section:
    rows = [
        (
            arm.name,
            arm.supervision,
            str(len(arm.seeds)),
            compact(arm.problems),
            *(compact(arm.budgets.get(name)) for name in BUDGETS),
        )
        for arm in comparison.arms
    ]
    header = ("arm", "supervision", "seeds", "problems", *(TITLES[name] for name in BUDGETS))
    lines = [
        "Averages over seeds, counted from the start of the arm; generated and trained are tokens. "
        "Compare only arms with the same supervision."
    ]
    lines += [
        f"{arm.name}: {arm.supervision_note}." for arm in comparison.arms if arm.supervision_note
    ]
    return Section("Supervision and budgets", header, tuple(rows), 2, tuple(lines))


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
    for crossover in comparison.crossovers:
        if _overtakes(crossover):
            passing = [_passing(crossover.passing.get(budget)) for budget in COMPARED]
            rows.append(
                (
                    where((crossover.group, crossover.level)),
                    f"{crossover.leader} > {crossover.trailer}",
                    "same" if crossover.same_supervision else "different",
                    *passing,
                    f"+{short(crossover.lead)}",
                )
            )
    header = (EVAL_SET, "ahead", "supervision", *(TITLES[budget] for budget in COMPARED), "lead")
    lines = (
        "Budget from which the average over seeds stays ahead, and the lead at the end.",
        *_rest(comparison.crossovers),
    )
    return Section("Crossovers", header, tuple(rows), 2, lines if rows else lines[1:])


def _overtakes(crossover: Crossover) -> bool:
    return crossover.leader is not None and crossover.crosses and crossover.clear is not False


def _passing(passing: Passing | None) -> str:
    """Where one arm passes another; `n/a` where one of them spends nothing of the budget."""
    if passing is None:
        return "n/a"
    if passing.from_start:
        return "from start"
    return compact(passing.at) + (" after other ended" if passing.after_end else "")


def _rest(crossovers: Sequence[Crossover]) -> list[str]:
    """The pairs without a row, gathered: `... grpo and rft: train L1-L2; held_out L3.`"""
    gathered: dict[str, dict[str, list[int]]] = {}
    for crossover in crossovers:
        if _overtakes(crossover):
            continue
        what = f"Ahead from the start, {crossover.leader} > {crossover.trailer}"
        if crossover.leader is None or crossover.clear is False:
            what = f"No clear lead at the end, {' and '.join(crossover.arms)}"
        gathered.setdefault(what, {}).setdefault(crossover.group, []).append(crossover.level)
    lines = []
    for what, groups in sorted(gathered.items()):
        where = "; ".join(f"{group} {spans(levels)}" for group, levels in groups.items())
        lines.append(f"{what}: {where}.")
    return lines
