"""Two pictures of a benchmark: speed-ups of every method by regime, and curves of the best.

Tiers of information have fixed colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..figures import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PINK,
    SKY,
    VERMILION,
    Key,
    finish,
    header,
    new_figure,
    plain,
    seed_curves,
    shares,
    words,
)
from ..stats import T_MINIMUM
from .methods import BASELINE, REFERENCE
from .ranking import Score
from .record import POINTS
from .report import Table, is_box, label, order

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TIERS = {
    "none": BLUE,
    "level labels": VERMILION,
    "prerequisite graph": GREEN,
    "skill tags": PINK,
    "true success rates": GREY,
}
OTHER = ORANGE
LINES = (GREEN, ORANGE, SKY, PINK, "#8C6D31", "#7B4FA3")
SMALL = 7.5
"""Points of tick labels: these pictures hold many panels."""


def draw(table: Table, default: str, folder: Path) -> list[Path]:
    """Write `speedups*.png` and `curves*.png` into `folder`; boxes have pictures of their own."""
    written = []
    for suffix, part in (("", _part(table, False)), ("_boxes", _part(table, True))):
        if part:
            written.append(draw_speedups(part, folder / f"speedups{suffix}.png"))
            written.append(draw_curves(part, default, folder / f"curves{suffix}.png"))
    return written


def _part(table: Table, box: bool) -> Table:
    return {name: scores for name, scores in table.items() if is_box(scores) == box}


def draw_speedups(table: Table, path: Path) -> Path:
    """One row per method, one column per regime: the gain over uniform with its interval."""
    specs = [spec for spec in order(table) if spec != BASELINE] or [BASELINE]
    left = 0.25 + 0.068 * max(len(label(spec)) for spec in specs)
    width = max(4.5, left + 1.15 * len(table) + 0.1)
    keys = [
        Key(tier, TIERS.get(tier, OTHER), "o")
        for tier in sorted(_tiers(table), key=[*TIERS, *_tiers(table)].index)
    ]
    top = header(keys, width) + 0.25
    height = top + 0.165 * len(specs) + 0.35
    figure = new_figure(width, height)
    panels = figure.subplots(1, len(table), sharey=True, squeeze=False)[0]
    figure.subplots_adjust(left=left / width, right=1 - 0.1 / width, top=1 - top / height,
                           bottom=0.33 / height, wspace=0.1)  # fmt: skip
    for axes, (regime, scores) in zip(panels, table.items(), strict=True):
        _speedup_panel(axes, words(regime), scores, specs)
    panels[0].set_yticks(range(len(specs)), [label(spec) for spec in specs])
    panels[0].set_ylim(len(specs) - 0.4, -0.6)
    explanation = "log scale; 95% intervals; filled: first or tied in its tier"
    return finish(figure, "Gain over uniform", explanation, keys, path)


def _speedup_panel(
    axes: Axes, title: str, scores: Mapping[str, Score], specs: Sequence[str]
) -> None:
    for row, spec in enumerate(specs):
        if spec not in scores:
            continue
        score = scores[spec]
        colour = TIERS.get(score.cell.information, OTHER)
        axes.plot([score.gain.low, score.gain.high], [row, row], color=colour, linewidth=1.3)
        inside = colour if score.first else "white"
        axes.plot([score.gain.mean], [row], "o", color=colour, markerfacecolor=inside, markersize=4)
    axes.axvline(1, color="#999999", linewidth=0.8, zorder=0)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    marks = [mark for mark in (0.25, 0.5, 1, 2, 4, 8, 16) if low <= mark <= high]
    axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
    axes.set_xticks([], minor=True)
    axes.set_title(title, fontsize=8.5, color=INK)
    plain(axes, "both", SMALL)


def draw_curves(table: Table, default: str, path: Path) -> Path:
    """What is learned against generated rollouts, a panel per regime, for the best methods."""
    keys = _keys(table, default)
    columns = min(3, len(table))
    rows = -(-len(table) // columns)
    width = max(6.0, 0.55 + 2.9 * columns)
    top = header(list(keys.values()), width) + 0.25
    height = top + 1.95 * rows + 0.35
    figure = new_figure(width, height)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    figure.subplots_adjust(left=0.55 / width, right=1 - 0.12 / width, top=1 - top / height,
                           bottom=0.3 / height, hspace=0.42, wspace=0.08)  # fmt: skip
    for axes, (regime, scores) in zip(panels, table.items(), strict=False):
        for spec, key in keys.items():
            if spec in scores:
                _curve(axes, scores[spec], key)
        axes.set_title(words(regime), fontsize=9.5, color=INK)
        plain(axes, "y", SMALL)
        shares(axes)
    for axes in panels[len(table) :]:
        axes.set_visible(False)
    what = "Share of cells mastered" if "_boxes" in path.stem else "Mean true success rate"
    title = f"{what} by thousand generated rollouts"
    seeds = max(len(score.cell.results) for scores in table.values() for score in scores.values())
    band = "95% t interval" if seeds >= T_MINIMUM else "range"
    explanation = f"mean of {seeds} seeds (band: {band})"
    return finish(figure, title, explanation, list(keys.values()), path)


def _keys(table: Table, default: str) -> dict[str, Key]:
    """Baseline, reference, default, and the best on average of every tier."""
    ranked = order(table)
    colours = {BASELINE: INK, REFERENCE: "#999999"}
    if default in ranked:
        colours[default] = TIERS["none"]
    spare = iter(LINES)
    for tier in _tiers(table).values():
        best = [spec for spec in ranked if spec in tier and spec not in colours]
        colours |= dict(zip(best[: 2 if len(tier) > 3 else 1], spare, strict=False))
    return {
        spec: Key(label(spec), colour, line="--" if spec in (BASELINE, REFERENCE) else "-")
        for spec, colour in colours.items()
        if spec in ranked
    }


def _tiers(table: Table) -> dict[str, set[str]]:
    tiers: dict[str, set[str]] = {}
    for scores in table.values():
        for spec, score in scores.items():
            tiers.setdefault(score.cell.information, set()).add(spec)
    return tiers


def _curve(axes: Axes, score: Score, key: Key) -> None:
    values = np.array([result.curve for result in score.cell.results])
    x = np.linspace(0, score.cell.protocol.budget / 1000, POINTS)
    seed_curves(axes, x, values, key)
    axes.set_xlim(0, x[-1])
