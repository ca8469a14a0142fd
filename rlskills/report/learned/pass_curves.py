"""pass@k against k, on an axis of doublings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...figures import INK, Key, finish
from ..panels import arm_keys, bottom_of_columns, small_multiples
from .pass_at_k import curve, fewest
from .pools import Pools, evaluated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENOUGH = 8
"""Samples of each problem from which a curve says something."""


def plot_pass_at_k(pools: Pools, folder: Path) -> Path | None:
    """A panel for each eval set, a line with a 95% band for each arm, k doubling up to half of the
    samples: beyond that each problem is nearly 0 or 1.

    Writes and returns `folder/pass_at_k.png`; None where no eval set has `ENOUGH` samples.
    """
    sets = {address: n for address in evaluated(pools) if (n := fewest(pools, address)) >= ENOUGH}
    if not sets:
        return None
    keys = arm_keys(list(pools))
    figure, panels = small_multiples(list(sets), list(keys.values()))
    methods: dict[str, None] = {}
    for address, axes in panels.items():
        ks = _doubling(sets[address] // 2)
        for arm, pool in pools.items():
            cells = curve(pool, address, ks)
            methods |= dict.fromkeys(cell.method for cell in cells)
            rows = [(cell.mean, cell.low, cell.high) for cell in cells]
            _draw(axes, ks, np.array(rows).T, keys[arm])
        if axes.get_ylabel():
            axes.set_ylabel("pass@k", fontsize=8.5, color=INK)
    for axes, lowest in bottom_of_columns(panels):
        axes.tick_params(labelbottom=lowest)
        if lowest:
            axes.set_xlabel("k", fontsize=8.5, color=INK)
    about = f"bands: 95% intervals ({'; '.join(methods)})"
    return finish(figure, "pass@k", about, list(keys.values()), folder / "pass_at_k.png")


def _doubling(most: int) -> list[int]:
    ks = [1]
    while ks[-1] * 2 <= most:
        ks.append(ks[-1] * 2)
    return ks


def _draw(axes: Axes, ks: list[int], values: np.ndarray, key: Key) -> None:
    mean, low, high = values
    axes.fill_between(ks, low, high, color=key.colour, alpha=0.13, linewidth=0)
    axes.plot(ks, mean, color=key.colour, linestyle=key.line, linewidth=1.6, marker=key.marker,
              markersize=3.6)  # fmt: skip
    axes.set_xscale("log", base=2)
    shown = ks[:: max(1, -(-len(ks) // 5))]
    axes.set_xticks(shown, [str(k) for k in shown])
    axes.minorticks_off()
