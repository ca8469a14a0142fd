"""Two pictures of a benchmark: speed-ups of every method by regime, and curves of the best.

Tiers of information have fixed colours, from the palette of Okabe and Ito.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .methods import BASELINE, REFERENCE
from .ranking import Score
from .record import POINTS
from .report import Table, is_box, label, order

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#222222", "#6b6b6b"
TIERS = {
    "none": "#0072B2",
    "level labels": "#D55E00",
    "prerequisite graph": "#009E73",
    "skill tags": "#CC79A7",
    "true success rates": "#555555",
}
OTHER = "#E69F00"
LINES = ("#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#8C6D31", "#7B4FA3")


def draw(table: Table, default: str, folder: Path) -> list[Path]:
    """Write `speedups*.png` and `curves*.png` into `folder`; boxes have pictures of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, part in (("", _part(table, False)), ("_boxes", _part(table, True))):
        if part:
            written.append(draw_speedups(part, folder / f"speedups{suffix}.png"))
            written.append(draw_curves(part, default, folder / f"curves{suffix}.png"))
    return written


def _part(table: Table, box: bool) -> Table:
    return {name: scores for name, scores in table.items() if is_box(scores) == box}


def draw_speedups(table: Table, path: Path) -> Path:
    """One row a method, one column a regime: the gain over uniform with its interval."""
    specs = [spec for spec in order(table) if spec != BASELINE] or [BASELINE]
    longest = max(len(label(spec)) for spec in specs)
    left = 0.25 + 0.068 * longest
    width, height = left + 1.15 * len(table) + 0.1, 1.05 + 0.165 * len(specs)
    figure = _figure(width, height)
    panels = figure.subplots(1, len(table), sharey=True, squeeze=False)[0]
    figure.subplots_adjust(left=left / width, right=1 - 0.1 / width, top=1 - 0.72 / height,
                           bottom=0.33 / height, wspace=0.1)  # fmt: skip
    for axes, (regime, scores) in zip(panels, table.items(), strict=True):
        _speedup_panel(axes, regime.replace("_", " "), scores, specs)
    panels[0].set_yticks(range(len(specs)), [label(spec) for spec in specs])
    panels[0].set_ylim(len(specs) - 0.4, -0.6)
    _heading(figure, "Gain over uniform (log scale; 95% intervals; filled: first or tied in tier)",
             {tier: colour for tier, colour in TIERS.items() if tier in _tiers(table)})  # fmt: skip
    return _save(figure, path)


def _speedup_panel(
    axes: Axes, title: str, scores: Mapping[str, Score], specs: Sequence[str]
) -> None:
    for row, spec in enumerate(specs):
        if spec not in scores:
            continue
        one = scores[spec]
        colour = TIERS.get(one.cell.information, OTHER)
        axes.plot([one.gain.low, one.gain.high], [row, row], color=colour, linewidth=1.3)
        inside = colour if one.first else "white"
        axes.plot([one.gain.value], [row], "o", color=colour, markerfacecolor=inside, markersize=4)
    axes.axvline(1, color="#999999", linewidth=0.8, zorder=0)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    marks = [mark for mark in (0.25, 0.5, 1, 2, 4, 8, 16) if low <= mark <= high]
    axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
    axes.set_xticks([], minor=True)
    axes.set_title(title, fontsize=8.5, color=INK)
    _plain(axes, "both")


def draw_curves(table: Table, default: str, path: Path) -> Path:
    """What is learned against generated rollouts, a panel a regime, for the best methods."""
    shown = _shown(table, default)
    columns = min(3, len(table))
    rows = -(-len(table) // columns)
    width, height = 0.55 + 2.9 * columns, 1.35 + 1.95 * rows
    figure = _figure(width, height)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    figure.subplots_adjust(left=0.55 / width, right=1 - 0.12 / width, top=1 - 0.95 / height,
                           bottom=0.45 / height, hspace=0.42, wspace=0.08)  # fmt: skip
    for axes, (regime, scores) in zip(panels, table.items(), strict=False):
        for spec, colour in shown.items():
            if spec in scores:
                _curve(axes, scores[spec], colour, spec in (BASELINE, REFERENCE))
        axes.set_title(regime.replace("_", " "), fontsize=9.5, color=INK)
        axes.set_ylim(-0.02, 1.02)
        _plain(axes, "y")
    for axes in panels[len(table) :]:
        axes.set_visible(False)
    what = "Share of cells mastered" if "_boxes" in path.stem else "Mean true success rate"
    _heading(figure, f"{what} by thousand generated rollouts (band: 95% over seeds)", shown)
    return _save(figure, path)


def _shown(table: Table, default: str) -> dict[str, str]:
    """Baseline, reference, default, and the best on average of every tier."""
    ranked = order(table)
    tiers = _tiers(table)
    found = {BASELINE: "#222222", REFERENCE: "#999999"}
    if default in ranked:
        found[default] = TIERS["none"]
    spare = iter(LINES)
    for tier in tiers.values():
        best = [s for s in ranked if s in tier and s not in found][: 2 if len(tier) > 3 else 1]
        found |= dict(zip(best, spare, strict=False))
    return {spec: colour for spec, colour in found.items() if spec in ranked}


def _tiers(table: Table) -> dict[str, set[str]]:
    tiers: dict[str, set[str]] = {}
    for scores in table.values():
        for spec, one in scores.items():
            tiers.setdefault(one.cell.information, set()).add(spec)
    return tiers


def _curve(axes: Axes, one: Score, colour: str, mark: bool) -> None:
    values = np.array([result.curve for result in one.cell.results])
    x = np.linspace(0, one.cell.protocol.budget / 1000, POINTS)
    error = 1.96 * values.std(axis=0) / np.sqrt(len(values))
    mean = values.mean(axis=0)
    low, high = np.maximum(0, mean - error), np.minimum(1, mean + error)
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(x, mean, color=colour, linewidth=1.5, linestyle="--" if mark else "-")
    axes.set_xlim(0, x[-1])


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _plain(axes: Axes, grid: str) -> None:
    axes.grid(axis=grid, color="#e8e8e8", linewidth=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7.5, color="#bbbbbb", labelcolor=INK, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#bbbbbb")


def _heading(figure: Figure, title: str, keys: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    inch = 1 / figure.get_figheight()
    left = 0.1 / figure.get_figwidth()
    figure.text(left, 1 - 0.08 * inch, title, fontsize=10.5, fontweight="bold", color=INK, va="top")
    handles = [
        Line2D([], [], color=colour, label=label(name), linewidth=2,
               linestyle="--" if name in (BASELINE, REFERENCE) else "-")
        for name, colour in keys.items()
    ]  # fmt: skip
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 1 - 0.24 * inch),
                  ncols=4, frameon=False, fontsize=8, labelcolor=FAINT)  # fmt: skip


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path)
    return path
