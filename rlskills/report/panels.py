"""What the pictures of a comparison share: a fixed look for each arm, and grids of panels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..figures import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PINK,
    SPARE,
    VERMILION,
    Key,
    new_figure,
    plain,
    shares,
    words,
)
from ..figures import header as header_of
from ..runs.folder import BASE
from ..runs.tags import Address

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

BOTTOM = 0.58
"""Inches below the panels, for ticks and the unit."""
LEFT = 0.78
"""Inches left of the panels, for ticks, unit and the name of the row."""
COLOURS = {
    BASE: GREY,
    "grpo": BLUE,
    "rft": VERMILION,
    "sft_answers": GREEN,
    "sft_worked": PINK,
}
MARKERS = "osD^vPX<>*h"


def arm_keys(names: Sequence[str]) -> dict[str, Key]:
    """Colour and marker of each arm, the base dashed. An arm not known here gets a spare colour,
    by name order, so that an arm looks the same in every picture of a study."""
    others = sorted(set(names) - COLOURS.keys())
    colours = COLOURS | {name: SPARE[i % len(SPARE)] for i, name in enumerate(others)}
    order = [*COLOURS, *others]
    return {
        name: Key(
            words(name),
            colours[name],
            MARKERS[order.index(name) % len(MARKERS)],
            "--" if name == BASE else "-",
        )
        for name in names
    }


def small_multiples(
    addresses: Sequence[Address], keys: Sequence[Key]
) -> tuple[Figure, dict[Address, Axes]]:
    """A grid with groups as rows and levels as columns; a group without some level has a gap."""
    groups = list(dict.fromkeys(group for group, _ in addresses))
    levels = sorted({level for _, level in addresses})
    width = max(7.0, min(9.3, 1.3 + 2.0 * len(levels)), 0.4 + 1.45 * len(levels))
    header = header_of(keys, width)
    height = header + 0.3 + 1.75 * len(groups) + BOTTOM
    figure, grid = _grid(width, height, header + 0.3, len(groups), len(levels))
    panels: dict[Address, Axes] = {}
    for group, level in addresses:
        axes = figure.add_subplot(grid[groups.index(group), levels.index(level)])
        panels[group, level] = axes
        plain(axes)
        shares(axes)
        leftmost = level == min(lv for name, lv in addresses if name == group)
        if group == next(name for name, lv in addresses if lv == level):
            axes.set_title(f"Level {level}", fontsize=9.5, color=INK)
        if leftmost:
            axes.set_ylabel("accuracy", fontsize=8.5, color=INK)
            _row_name(axes, words(group))
        axes.tick_params(labelleft=leftmost)
    return figure, panels


def row_of_panels(groups: Sequence[str], keys: Sequence[Key]) -> tuple[Figure, dict[str, Axes]]:
    """One panel for each group, side by side."""
    width = max(7.0, min(9.3, 1.0 + 3.2 * len(groups)), 0.4 + 2.2 * len(groups))
    header = header_of(keys, width)
    figure, grid = _grid(width, header + 3.4, header + 0.3, 1, len(groups))
    panels: dict[str, Axes] = {}
    for column, group in enumerate(groups):
        axes = panels[group] = figure.add_subplot(grid[0, column])
        plain(axes)
        shares(axes)
        axes.set_title(words(group), fontsize=10, fontweight="bold", color=INK)
        axes.tick_params(labelleft=column == 0)
    return figure, panels


def bottom_of_columns(panels: Mapping[Address, Axes]) -> Iterator[tuple[Axes, bool]]:
    """Every panel, and whether it is the lowest of its column."""
    for (_, level), axes in panels.items():
        below = [address for address in panels if address[1] == level]
        yield axes, panels[below[-1]] is axes


def _row_name(axes: Axes, name: str) -> None:
    """The group of a row of panels, upright at the left edge of the figure."""
    axes.annotate(
        name,
        xy=(0, 0.5),
        xytext=(-46, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        rotation=90,
        ha="center",
        va="center",
        fontsize=9.5 if len(name) <= 16 else 9.5 * 16 / len(name),
        fontweight="bold",
        color=INK,
    )


def _grid(
    width: float, height: float, top: float, rows: int, columns: int
) -> tuple[Figure, GridSpec]:
    """A figure with `top` inches left free above the panels."""
    figure = new_figure(width, height)
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
