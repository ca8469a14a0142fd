"""One style for all pictures: colours, axes, heading and legend. Sizes are in inches.

The colours of data are those of Okabe and Ito, which readers with any colour vision tell apart.
A figure is no pyplot figure: it opens no window and shares no state with the caller's plots.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from .stats import Array, seed_band

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150
INK, FAINT, EDGE, GRID = "#222222", "#6b6b6b", "#bbbbbb", "#e4e4e4"
GREY = "#555555"
BLUE, VERMILION, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY = "#E69F00", "#56B4E9"
SPARE = (ORANGE, SKY, "#8C6D31", "#7B4FA3", "#A0A000", "#B22222")
"""Colours of what has no colour of its own, in order."""


class Key(NamedTuple):
    """How one line is drawn; one entry of the legend, named as a reader sees it."""

    name: str
    colour: str
    marker: str = ""
    line: str = "-"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, drawn by Agg."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Axes, grid: Literal["x", "y", "both"] = "y", size: float = 8.5) -> None:
    """Axes with two spines, a faint grid and labels of `size` points."""
    axes.grid(axis=grid, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=size, color=EDGE, labelcolor=INK, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(EDGE)


def shares(axes: Axes) -> None:
    """A y axis from 0 to 1."""
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", ".5", "", "1"])


def seed_curves(axes: Axes, x: Array, values: Array, key: Key) -> None:
    """The mean of `values`, shape (seeds, points), its band over seeds, and a marker at the end."""
    low, high = seed_band(values)
    mean = values.mean(axis=0)
    axes.fill_between(x, low, high, color=key.colour, alpha=0.16, linewidth=0)
    style: dict[str, Any] = {"color": key.colour, "linestyle": key.line}
    axes.plot(x, mean, linewidth=1.7, **style)
    if key.marker:
        axes.plot(x[-1:], mean[-1:], marker=key.marker, markersize=4.5, **style)


def header(keys: Sequence[Key], width: float) -> float:
    """Height of title, explanation and legend together."""
    return 0.66 + 0.2 * math.ceil(len(keys) / legend_columns(keys, width))


def legend_columns(keys: Sequence[Key], width: float) -> int:
    """How many columns of the legend fit `width`; its entries run down the columns."""
    lengths = [len(key.name) for key in keys]
    for columns in range(min(6, len(keys)), 1, -1):
        # matplotlib fills the columns as array_split does: the first are the longer ones.
        longest = [int(column.max()) for column in np.array_split(lengths, columns)]
        if sum(0.66 + 0.078 * length for length in longest) < width - 0.2:
            return columns
    return 1


def finish(figure: Figure, title: str, subtitle: str, keys: Sequence[Key], path: Path) -> Path:
    """Add title, explanation and one legend above all panels; write and return `path`."""
    from matplotlib.lines import Line2D

    handles = []
    for key in keys:
        style: dict[str, Any] = {"linestyle": key.line, "linewidth": 1.8, "marker": key.marker}
        handles.append(Line2D([], [], color=key.colour, label=key.name, **style))
    left, inch = 0.12 / figure.get_figwidth(), 1 / figure.get_figheight()
    figure.text(left, 1 - 0.12 * inch, title, fontsize=12, fontweight="bold", color=INK, va="top")
    figure.text(left, 1 - 0.38 * inch, subtitle, fontsize=8.5, color=FAINT, va="top")
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.52 * inch),
        ncols=legend_columns(keys, figure.get_figwidth()),
        frameon=False,
        fontsize=9,
        handlelength=2.6,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path


def words(name: str) -> str:
    """A name as it is written in a picture."""
    return name.replace("_", " ")
