"""Learning curves against a budget, for a README or a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..figures import INK, Key, finish, seed_curves
from ..runs.budget import BUDGETS, UNITS
from ..runs.folder import BASE
from ..runs.tags import Address, eval_greedy
from ..stats import T_MINIMUM, accuracy_interval
from .crossover import Curve, mean_curve
from .panels import arm_keys, bottom_of_columns, small_multiples
from .run import Run, addresses, arms

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_curves(runs: Sequence[Run], axis: str, folder: Path) -> Path:
    """Greedy accuracy against the budget `axis`: levels as columns, groups as rows.

    Lines are means over seeds; the band is their range, from three seeds on their t interval. An
    arm that spends none of the budget is a dotted line at its final accuracy, the base a dashed
    one. Writes and returns `folder/curves_<axis>.png`.
    """
    if axis not in UNITS:
        raise UserError(f"unknown budget {axis!r} (known: {', '.join(BUDGETS)})")
    pools = arms(runs)
    curves = _curves(pools, addresses(runs), axis)
    if not curves:
        raise UserError(f"no curve to draw: no run logged eval/<group>/L<level>/greedy by {axis}")
    keys = _keys(pools, {arm: curve for row in curves.values() for arm, curve in row.items()})
    figure, panels = small_multiples(list(curves), list(keys.values()))
    for address, axes in panels.items():
        _base_line(axes, pools.get(BASE, []), address, keys)
        for arm, curve in curves[address].items():
            _draw(axes, curve, keys[arm])
    _budget_axis(figure, panels, UNITS[axis])
    title = f"Greedy accuracy against {axis.replace('_', ' ')}"
    path = folder / f"curves_{axis}.png"
    return finish(figure, title, _explanation(pools, keys), list(keys.values()), path)


def _curves(
    pools: Mapping[str, Sequence[Run]], wanted: Sequence[Address], axis: str
) -> dict[Address, dict[str, Curve]]:
    """The curves that there are, by eval set and arm."""
    curves = {
        address: {
            arm: curve
            for arm, pool in pools.items()
            if arm != BASE and (curve := mean_curve(pool, eval_greedy(address), axis)) is not None
        }
        for address in wanted
    }
    return {address: row for address, row in curves.items() if row}


def _keys(pools: Mapping[str, Sequence[Run]], drawn: Mapping[str, Curve]) -> dict[str, Key]:
    keys = arm_keys(list(pools))
    shown = {BASE: keys[BASE]._replace(marker="")} if BASE in pools else {}
    for arm in pools:
        if arm in drawn:
            spends = drawn[arm].spends
            shown[arm] = keys[arm] if spends else keys[arm]._replace(marker="", line=":")
    return shown


def _draw(axes: Axes, curve: Curve, key: Key) -> None:
    if curve.spends:
        seed_curves(axes, curve.x, curve.values, key)
    else:
        axes.axhline(float(curve.mean[-1]), color=key.colour, linewidth=1.6, linestyle=":")


def _explanation(pools: Mapping[str, Sequence[Run]], keys: Mapping[str, Key]) -> str:
    seeds = sorted({len(pool) for arm, pool in pools.items() if arm != BASE})
    text = "one seed"
    if seeds[-1] > 1:
        count = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        band = "95% t interval" if seeds[0] >= T_MINIMUM else "range"
        if seeds[0] < T_MINIMUM <= seeds[-1]:
            band = "range, or 95% t interval from 3 seeds"
        text = f"mean of {count} seeds (band: {band})"
    if any(key.line == ":" for key in keys.values()):
        text += "; dotted: final accuracy of an arm that spends none"
    return text


def _base_line(axes: Axes, base: Sequence[Run], address: Address, keys: Mapping[str, Key]) -> None:
    outcomes = [run.eval_sets[address].greedy for run in base if address in run.eval_sets]
    if outcomes:
        mean = accuracy_interval(np.array(outcomes, dtype=np.float64)).mean
        axes.axhline(mean, color=keys[BASE].colour, linewidth=1.2, linestyle="--")


def _budget_axis(figure: Figure, panels: Mapping[Address, Axes], unit: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    right = max(axes.dataLim.x1 for axes in panels.values())
    for axes, lowest in bottom_of_columns(panels):
        axes.set_xlim(0, right * 1.04 or 1)
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _count(value)))
        axes.tick_params(labelbottom=lowest)
    middle = 0.5 + 0.32 / figure.get_figwidth()
    height = 0.1 / figure.get_figheight()
    figure.text(middle, height, unit, fontsize=9.5, color=INK, ha="center", va="bottom")


def _count(value: float) -> str:
    """A tick label: `500`, `2.5k`, `1M`."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
