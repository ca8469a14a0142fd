"""Pictures of a comparison for a README or a paper: learning curves and accuracy by level.

Colours are fixed by arm, so that an arm looks the same in every picture, and come from the
palette of Okabe and Ito, which readers with any colour vision can tell apart; markers differ too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from ..errors import UserError
from ..stats import T_MINIMUM, Array, accuracy_interval, mean_interval
from .crossover import Curve, mean_curve
from .reading import BASE, BUDGETS, Address, Run, addresses, arms, eval_tag
from .tables import Comparison, Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

Panels: TypeAlias = Mapping[Address, "Axes"]

DPI = 150
BOTTOM = 0.58
"""Inches below the panels, for ticks and the unit."""

LEFT = 0.78
"""Inches left of the panels, for ticks, unit and the name of the row."""

INK, FAINT = "#222222", "#6b6b6b"
COLOURS = {
    BASE: "#555555",
    "grpo": "#0072B2",
    "rft": "#D55E00",
    "sft_answers": "#009E73",
    "sft_worked": "#CC79A7",
}
SPARE = ("#E69F00", "#56B4E9", "#8C6D31", "#7B4FA3", "#A0A000", "#B22222")
MARKERS = "osD^vPX<>*h"
UNITS = {
    "samples": "samples (rollouts or demonstrations)",
    "rollouts": "rollouts",
    "generated_tokens": "generated tokens",
    "trained_tokens": "trained tokens",
    "seconds": "training time in seconds",
}


class Key(NamedTuple):
    """How one arm is drawn; one entry of the legend."""

    arm: str
    colour: str
    marker: str
    line: str


def plot_curves(runs: Sequence[Run], axis: str, folder: Path) -> Path:
    """Greedy accuracy against the budget `axis`: levels as columns, groups as rows.

    Lines are means over seeds; the band is their range, from three seeds on their t interval. An
    arm that spends none of the budget is a dotted line at its final accuracy, the base a dashed
    one. Writes and returns `folder/curves_<axis>.png`.
    """
    if axis not in UNITS:
        raise UserError(f"unknown budget {axis!r} (known: {', '.join(BUDGETS)})")
    pools = arms(runs)
    curves = {
        place: {
            arm: curve
            for arm, pool in pools.items()
            if arm != BASE and (curve := mean_curve(pool, eval_tag(place), axis)) is not None
        }
        for place in addresses(runs)
    }
    curves = {place: found for place, found in curves.items() if found}
    if not curves:
        raise UserError(f"no curve to draw: no run logged eval/<group>/L<level>/greedy by {axis}")
    look = styles(list(pools))
    drawn = {arm: curve for found in curves.values() for arm, curve in found.items()}
    keys = [Key(BASE, COLOURS[BASE], "", "--")] if BASE in pools else []
    for arm in [arm for arm in pools if arm in drawn]:
        colour, marker = look[arm]
        spends = drawn[arm].spends
        keys.append(Key(arm, colour, marker if spends else "", "-" if spends else ":"))
    figure, panels = _small_multiples(list(curves), keys)
    for place, axes in panels.items():
        _base_line(axes, pools.get(BASE, []), place)
        for arm, curve in curves[place].items():
            _curve(axes, curve, *look[arm])
    _budget_axis(figure, panels, UNITS[axis])
    title = f"Greedy accuracy against {axis.replace('_', ' ')}"
    return _finish(figure, title, _band_text(pools, keys), keys, folder / f"curves_{axis}.png")


def plot_levels(comparison: Comparison, folder: Path, measure: str = "greedy") -> Path:
    """Accuracy by level with its interval: a panel for each group, a line for each arm.

    `measure` names one of `comparison.measures`. Writes and returns `folder/levels_<measure>.png`.
    """
    known = {one.name: one for one in comparison.measures if one.accuracy}
    if measure not in known:
        raise UserError(f"no measure {measure!r} in this comparison (it has {', '.join(known)})")
    names = [arm.name for arm in comparison.arms]
    look = styles(names)
    groups = list(dict.fromkeys(group for group, _ in known[measure].accuracy))
    keys = [Key(name, *look[name], "--" if name == BASE else "-") for name in names]
    figure, panels = _row_of_panels(groups, keys)
    for group, axes in panels.items():
        _levels(axes, known[measure], group, keys)
    what = "Greedy accuracy" if measure == "greedy" else f"Sampled {measure}"
    panels[groups[0]].set_ylabel(what, fontsize=9.5, color=INK)
    cells = [one for row in known[measure].accuracy.values() for one in row.values()]
    methods = "; ".join(dict.fromkeys(cell.method for cell in cells))
    path = folder / f"levels_{measure.replace('@', '_at_')}.png"
    return _finish(figure, f"{what} by level", f"bars: 95% intervals ({methods})", keys, path)


def styles(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each arm. An arm not known here gets a spare one, by name order."""
    others = sorted(set(names) - COLOURS.keys())
    colours = COLOURS | {name: SPARE[i % len(SPARE)] for i, name in enumerate(others)}
    order = [*COLOURS, *others]
    return {name: (colours[name], MARKERS[order.index(name) % len(MARKERS)]) for name in names}


def _small_multiples(
    places: Sequence[Address], keys: Sequence[Key]
) -> tuple[Figure, dict[Address, Axes]]:
    """A grid with one panel for each place; a group without some level leaves a gap."""
    groups = list(dict.fromkeys(group for group, _ in places))
    levels = sorted({level for _, level in places})
    width = max(7.0, min(9.3, 1.3 + 2.0 * len(levels)), 0.4 + 1.45 * len(levels))
    header = _header(keys, width)
    height = header + 0.3 + 1.75 * len(groups) + BOTTOM
    figure, grid = _figure(width, height, header + 0.3, len(groups), len(levels))
    panels: dict[Address, Axes] = {}
    for group, level in places:
        axes = figure.add_subplot(grid[groups.index(group), levels.index(level)])
        panels[group, level] = axes
        _plain(axes)
        first = (group, level) == next(place for place in places if place[0] == group)
        top = (group, level) == next(place for place in places if place[1] == level)
        if top:
            axes.set_title(f"Level {level}", fontsize=9.5, color=INK)
        if first:
            axes.set_ylabel("accuracy", fontsize=8.5, color=INK)
            _row_name(axes, _words(group))
        axes.tick_params(labelleft=first)
    return figure, panels


def _row_name(axes: Axes, name: str) -> None:
    """The group of a row of panels, upright at the left edge of the figure."""
    size = 9.5 if len(name) <= 16 else 9.5 * 16 / len(name)
    axes.annotate(
        name,
        xy=(0, 0.5),
        xytext=(-46, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        rotation=90,
        ha="center",
        va="center",
        fontsize=size,
        fontweight="bold",
        color=INK,
    )


def _row_of_panels(groups: Sequence[str], keys: Sequence[Key]) -> tuple[Figure, dict[str, Axes]]:
    width = max(7.0, min(9.3, 1.0 + 3.2 * len(groups)), 0.4 + 2.2 * len(groups))
    header = _header(keys, width)
    figure, grid = _figure(width, header + 3.4, header + 0.3, 1, len(groups))
    panels: dict[str, Axes] = {}
    for column, group in enumerate(groups):
        panels[group] = figure.add_subplot(grid[0, column])
        _plain(panels[group])
        panels[group].set_title(_words(group), fontsize=10, fontweight="bold", color=INK)
        panels[group].tick_params(labelleft=column == 0)
    return figure, panels


def _header(keys: Sequence[Key], width: float) -> float:
    """Height in inches of title, explanation and legend together."""
    return 0.66 + 0.2 * math.ceil(len(keys) / _columns(keys, width))


def _columns(keys: Sequence[Key], width: float) -> int:
    """How many columns of the legend fit `width` inches; its entries run down the columns."""
    for columns in range(min(6, len(keys)), 1, -1):
        rows = math.ceil(len(keys) / columns)
        starts = range(0, len(keys), rows)
        longest = [max(len(key.arm) for key in keys[start : start + rows]) for start in starts]
        if sum(0.66 + 0.078 * length for length in longest) < width - 0.2:
            return columns
    return 1


def _figure(
    width: float, height: float, top: float, rows: int, columns: int
) -> tuple[Figure, GridSpec]:
    """A figure in inches with `top` left free above the panels, drawn by Agg.

    It is no pyplot figure: it opens no window and shares no state with the caller's plots.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=LEFT / width,
        right=1 - 0.14 / width,
        top=1 - top / height,
        bottom=BOTTOM / height,
        wspace=0.09,
        hspace=0.14,
    )
    return figure, grid


def _plain(axes: Axes) -> None:
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", ".5", "", "1"])
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5, color="#bbbbbb", labelcolor=INK, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#bbbbbb")


def _curve(axes: Axes, curve: Curve, colour: str, marker: str) -> None:
    if not curve.spends:
        axes.axhline(float(curve.mean[-1]), color=colour, linewidth=1.6, linestyle=":")
        return
    low, high = _band(curve.values)
    axes.fill_between(curve.x, low, high, color=colour, alpha=0.16, linewidth=0)
    axes.plot(curve.x, curve.mean, color=colour, linewidth=1.7, solid_capstyle="round")
    axes.plot(curve.x[-1:], curve.mean[-1:], color=colour, marker=marker, markersize=4.5)


def _band(values: Array) -> tuple[Array, Array]:
    """Bounds over seeds at each point, from `values` of shape (seeds, points)."""
    if len(values) < T_MINIMUM:
        return values.min(axis=0), values.max(axis=0)
    intervals = [mean_interval(column) for column in values.T]
    return np.array([one.low for one in intervals]), np.array([one.high for one in intervals])


def _band_text(pools: Mapping[str, Sequence[Run]], keys: Sequence[Key]) -> str:
    seeds = sorted({len(pool) for arm, pool in pools.items() if arm != BASE})
    text = "one seed"
    if seeds[-1] > 1:
        count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        band = "95% t interval" if seeds[0] >= T_MINIMUM else "range"
        if seeds[0] < T_MINIMUM <= seeds[-1]:
            band = "range, or 95% t interval from 3 seeds"
        text = f"mean of {count} seeds (band: {band})"
    if any(key.line == ":" for key in keys):
        text += "; dotted: final accuracy of an arm that spends none"
    return text


def _base_line(axes: Axes, base: Sequence[Run], place: Address) -> None:
    outcomes = [run.eval_sets[place].greedy for run in base if place in run.eval_sets]
    if outcomes:
        mean = accuracy_interval(np.array(outcomes, dtype=np.float64)).mean
        axes.axhline(mean, color=COLOURS[BASE], linewidth=1.2, linestyle="--")


def _budget_axis(figure: Figure, panels: Panels, unit: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    right = max(axes.dataLim.x1 for axes in panels.values())
    for (_, level), axes in panels.items():
        axes.set_xlim(0, right * 1.04 or 1)
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _count(value)))
        below = [place for place in panels if place[1] == level]
        axes.tick_params(labelbottom=panels[below[-1]] is axes)
    middle = 0.5 + 0.32 / figure.get_figwidth()
    height = 0.1 / figure.get_figheight()
    figure.text(middle, height, unit, fontsize=9.5, color=INK, ha="center", va="bottom")


def _count(value: float) -> str:
    """A tick label: `500`, `2.5k`, `1M`."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _levels(axes: Axes, measure: Measure, group: str, keys: Sequence[Key]) -> None:
    """One line an arm, arms shifted sideways a little so that their bars do not hide each other."""
    levels = sorted(level for name, level in measure.accuracy if name == group)
    shift = min(0.09, 0.5 / len(keys), 0.025 * max(1, levels[-1] - levels[0]))
    for place, key in enumerate(keys):
        cells = [measure.accuracy[group, level][key.arm] for level in levels]
        x = np.array(levels) + (place - (len(keys) - 1) / 2) * shift
        mean = np.array([cell.mean for cell in cells])
        below = np.maximum(0, mean - [cell.low for cell in cells])
        above = np.maximum(0, np.array([cell.high for cell in cells]) - mean)
        style: dict[str, Any] = {"linestyle": key.line, "linewidth": 1.5, "elinewidth": 1.1}
        style |= {"marker": key.marker, "markersize": 4.8, "color": key.colour}
        axes.errorbar(x, mean, yerr=np.stack([below, above]), **style)
    axes.set_xticks(levels)
    axes.set_xlim(levels[0] - 0.4, levels[-1] + 0.4)
    axes.set_xlabel("level", fontsize=9.5, color=INK)


def _finish(figure: Figure, title: str, subtitle: str, keys: Sequence[Key], path: Path) -> Path:
    """Title, one legend above all panels, and the file."""
    from matplotlib.lines import Line2D

    handles = []
    for key in keys:
        style: dict[str, Any] = {"linestyle": key.line, "linewidth": 1.8, "marker": key.marker}
        handles.append(Line2D([], [], color=key.colour, label=_words(key.arm), **style))
    left, inch = 0.12 / figure.get_figwidth(), 1 / figure.get_figheight()
    figure.text(left, 1 - 0.12 * inch, title, fontsize=12, fontweight="bold", color=INK, va="top")
    figure.text(left, 1 - 0.38 * inch, subtitle, fontsize=8.5, color=FAINT, va="top")
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.52 * inch),
        ncols=_columns(keys, figure.get_figwidth()),
        frameon=False,
        fontsize=9,
        handlelength=2.6,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path


def _words(name: str) -> str:
    return name.replace("_", " ")
