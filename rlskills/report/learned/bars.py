"""Kinds of answers as stacked bars, by level and arm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...evaluation.explained import RIGHT_BARE, WRONG_BARE
from ...figures import (
    BLUE,
    EDGE,
    FAINT,
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
    words,
)
from ...runs.tags import Address
from .failures import KINDS, kind_shares
from .pools import Pools, evaluated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    "verified": GREEN, "lucky": "#8FD6BE", RIGHT_BARE: "#4FBF9A", "ignores composition": VERMILION,
    "wrong composition": ORANGE, "incomplete trace": PINK, "atomic error": BLUE,
    "answer differs": SKY, "ambiguous": "#8C6D31", "other": GREY, WRONG_BARE: FAINT,
    "unparsed": "#A3A3A3", "truncated": EDGE,
}  # fmt: skip
"""Greens are right; warm colours fail to compose, blues fail at a step."""
BAR, GAP, PANEL = 0.2, 0.14, 0.56
"""Inches: of a bar, between levels, and between panels."""
LEFT, WIDTH = 1.75, 7.4

Shares = Mapping[tuple[Address, str], Mapping[str, float]]


def plot_failures(pools: Pools, folder: Path) -> Path | None:
    """A panel for each group, a bar for each level and arm, all of it 1.

    Writes and returns `folder/failures.png`; None where no record has kinds.
    """
    shares = {
        (address, arm): {kind: each.mean for kind, each in found.items()}
        for address in evaluated(pools)
        for arm, pool in pools.items()
        if (found := kind_shares(pool, address))
    }
    if not shares:
        return None
    groups = list(dict.fromkeys(group for (group, _), _ in shares))
    keys = [
        Key(kind, COLOURS[kind], "s", "")
        for kind in KINDS
        if any(kind in each for each in shares.values())
    ]
    heights = [_height(shares, group) for group in groups]
    top = header(keys, WIDTH) + 0.25
    total = top + sum(heights) + PANEL * len(groups)
    figure = new_figure(WIDTH, total)
    edge = total - top
    for group, height in zip(groups, heights, strict=True):
        edge -= height
        box = (LEFT / WIDTH, edge / total, 1 - (LEFT + 0.2) / WIDTH, height / total)
        _draw(figure.add_axes(box), shares, group, height)
        edge -= PANEL
    what = "share of greedy answers, means over seeds; problems of two steps and more"
    return finish(figure, "How answers fail", what, keys, folder / "failures.png")


def _height(shares: Shares, group: str) -> float:
    levels = {level for (name, level), _ in shares if name == group}
    bars = sum(name == group for (name, _), _ in shares)
    return BAR * bars + GAP * len(levels)


def _draw(axes: Axes, shares: Shares, group: str, height: float) -> None:
    """Bars from the top down, in inches from there; levels are named at the first of theirs."""
    plain(axes, "x")
    ticks: list[float] = []
    names: list[str] = []
    place, before = GAP / 2 - BAR / 2, None
    for ((name, level), arm), kinds in shares.items():
        if name != group:
            continue
        place += BAR + (GAP if before not in (None, level) else 0)
        ticks.append(place)
        names.append(f"L{level}   {words(arm)}" if level != before else words(arm))
        left, before = 0.0, level
        for kind in KINDS:
            width = kinds.get(kind, 0.0)
            axes.barh(place, width, BAR * 0.82, left, color=COLOURS[kind], linewidth=0)
            left += width
    axes.set_ylim(height, 0)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", ".5", "", "1"])
    axes.set_yticks(ticks, [_short(name) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.set_title(words(group), fontsize=10, fontweight="bold", color=INK, loc="left")


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"
