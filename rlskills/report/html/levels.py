"""Accuracy by level and arm: a panel for each level, a row for each arm, best on top."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev

from ...runs.folder import BASE
from ..comparison import Comparison, Measure
from .part import Choice, Figure, Look, Part, View, ordered, plain_label
from .plot import SHARES, axis, row_of, safe


def by_spread(comparison: Comparison) -> list[str]:
    """Groups of eval sets: that in which arms differ most, which a reader wants first, leads."""
    spread: dict[str, float] = defaultdict(float)
    for (group, _), row in comparison.measures[0].accuracy.items():
        spread[group] = max(spread[group], pstdev(cell.mean for cell in row.values()))
    groups = dict.fromkeys(group for group, _ in comparison.addresses)
    return sorted(groups, key=lambda group: -spread[group])


def levels_part(
    comparison: Comparison, arms: Mapping[str, Look], order: Sequence[str] = ()
) -> Part | None:
    """Every measure in every group of eval sets, groups in their `order`."""
    measures = [measure for measure in comparison.measures if measure.accuracy]
    groups = ordered((group for each in measures for group, _ in each.accuracy), order)
    if not groups:
        return None
    views = {
        (m, g): _view(measure, group, arms)
        for m, measure in enumerate(measures)
        for g, group in enumerate(groups)
    }
    choices = (
        Choice("Measure", tuple(_title(measure) for measure in measures)),
        Choice("Eval group", tuple(groups)),
    )
    methods = dict.fromkeys(
        cell.method for each in measures for row in each.accuracy.values() for cell in row.values()
    )
    alt = "Accuracy of every arm at every level with its interval; the tables have all numbers."
    figure = Figure("levels", "Accuracy by level", alt, views, choices)
    line = f"Bars: 95% intervals ({'; '.join(methods)}). Dashed: {BASE}."
    return Part("Accuracy by level", (figure,), lines=(line,))


def _view(measure: Measure, group: str, arms: Mapping[str, Look]) -> View:
    cells = {level: row for (name, level), row in measure.accuracy.items() if name == group}
    means = {
        arm: fmean(row[arm].mean for row in cells.values())
        for arm in arms
        if all(arm in row for row in cells.values())
    }
    order = sorted(means, key=lambda arm: -means[arm]) if cells else []
    traces, shapes = [], []
    for panel, row in enumerate(cells.values(), 1):
        traces += [row_of(arms[arm], panel, row[arm]) for arm in order]
        if BASE in row:
            x = row[BASE].mean
            shapes.append(
                {"type": "line", "xref": axis("x", panel), "yref": f"{axis('y', panel)} domain",
                 "x0": x, "x1": x, "y0": 0, "y1": 1, "layer": "below",
                 "line": {"dash": "dash", "width": 1, "color": arms[BASE].colour}}
            )  # fmt: skip
    y = {"type": "category", "autorange": "reversed", "categoryorder": "array",
            "categoryarray": [safe(arms[arm].label) for arm in order]}  # fmt: skip
    titles = tuple(f"Level {level}" for level in cells)
    return View(traces, titles, SHARES, y, shapes, True, 19, 110, _note(measure, group, order))


def _note(measure: Measure, group: str, order: list[str]) -> str:
    """Which arm is highest at the deepest level, and where the base is."""
    levels = [level for name, level in measure.accuracy if name == group]
    if not levels or len(order) < 2:
        return ""
    row = measure.accuracy[group, max(levels)]
    best = max(order, key=lambda arm: row[arm].mean)
    beside = f"; {BASE}: {row[BASE]}" if BASE in row and best != BASE else ""
    where = f"{plain_label(group)} L{max(levels)}"
    return f"Highest at {where}: {plain_label(best)}, {row[best]}{beside}."


def _title(measure: Measure) -> str:
    return "greedy" if measure.name == "greedy" else f"sampled {measure.name}"
