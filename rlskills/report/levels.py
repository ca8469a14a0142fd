"""Accuracy by level with its interval, for a README or a paper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from ..figures import INK, Key, finish
from .comparison import Comparison, Measure
from .panels import arm_keys, row_of_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_levels(comparison: Comparison, folder: Path, measure: str = "greedy") -> Path:
    """Accuracy by level with its interval: a panel for each group, a line for each arm.

    `measure` names one of `comparison.measures`. Writes and returns `folder/levels_<measure>.png`.
    """
    known = {each.name: each for each in comparison.measures if each.accuracy}
    if measure not in known:
        raise UserError(f"no measure {measure!r} in this comparison (it has {', '.join(known)})")
    accuracy = known[measure].accuracy
    groups = list(dict.fromkeys(group for group, _ in accuracy))
    keys = arm_keys([arm.name for arm in comparison.arms])
    figure, panels = row_of_panels(groups, list(keys.values()))
    for group, axes in panels.items():
        _draw(axes, known[measure], group, keys)
    what = "Greedy accuracy" if measure == "greedy" else f"Sampled {measure}"
    panels[groups[0]].set_ylabel(what, fontsize=9.5, color=INK)
    methods = dict.fromkeys(cell.method for row in accuracy.values() for cell in row.values())
    path = folder / f"levels_{measure.replace('@', '_at_')}.png"
    explanation = f"bars: 95% intervals ({'; '.join(methods)})"
    return finish(figure, f"{what} by level", explanation, list(keys.values()), path)


def _draw(axes: Axes, measure: Measure, group: str, keys: Mapping[str, Key]) -> None:
    """One line per arm, shifted sideways a little so that bars do not hide each other."""
    levels = sorted(level for name, level in measure.accuracy if name == group)
    shift = min(0.09, 0.5 / len(keys), 0.025 * max(1, levels[-1] - levels[0]))
    for number, (arm, key) in enumerate(keys.items()):
        cells = [measure.accuracy[group, level][arm] for level in levels]
        x = np.array(levels) + (number - (len(keys) - 1) / 2) * shift
        mean = np.array([cell.mean for cell in cells])
        below = np.maximum(0, mean - [cell.low for cell in cells])
        above = np.maximum(0, np.array([cell.high for cell in cells]) - mean)
        style: dict[str, Any] = {"linestyle": key.line, "linewidth": 1.5, "elinewidth": 1.1}
        style |= {"marker": key.marker, "markersize": 4.8, "color": key.colour}
        axes.errorbar(x, mean, yerr=np.stack([below, above]), **style)
    axes.set_xticks(levels)
    axes.set_xlim(levels[0] - 0.4, levels[-1] + 0.4)
    axes.set_xlabel("level", fontsize=9.5, color=INK)
