"""Learning curves: a panel for each level, a line for each arm, on any budget or the step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...runs.budget import BUDGETS, UNITS
from ...runs.folder import BASE
from ...runs.tags import Address, eval_greedy
from ...stats import Array, accuracy_interval, seed_band
from ..crossover import Curve, mean_curve
from ..run import Run, addresses
from .part import Choice, Figure, Look, Part, Trace, View, ordered
from .plot import SHARES, band_of, line_of, numbers

STEP = "step"


@dataclass(frozen=True)
class _Line:
    """An arm on one eval set; `by` has the curve on each axis."""

    look: Look
    by: Mapping[str, Curve]
    low: Array
    high: Array


def curves_part(
    pools: Mapping[str, Sequence[Run]], arms: Mapping[str, Look], order: Sequence[str] = ()
) -> Part | None:
    """Greedy accuracy while training; None where no run logged any."""
    stepped = {arm: [with_steps(run) for run in pool] for arm, pool in pools.items()}
    trained = {arm: pool for arm, pool in stepped.items() if arm != BASE}
    wanted = addresses([run for pool in pools.values() for run in pool])
    lines = {address: _lines(trained, address, arms) for address in wanted}
    lines = {address: found for address, found in lines.items() if found}
    axes = [
        axis
        for axis in (*BUDGETS, STEP)
        if any(axis in line.by and line.by[axis].spends for row in lines.values() for line in row)
    ]
    if not axes:
        return None
    groups = ordered((group for group, _ in lines), order)
    base = pools.get(BASE, [])
    views = {
        (a, g): _view({key: row for key, row in lines.items() if key[0] == group}, axis, base, arms)
        for a, axis in enumerate(axes)
        for g, group in enumerate(groups)
    }
    units = tuple(UNITS.get(axis, "training step") for axis in axes)
    choices = (Choice("Horizontal axis", units), Choice("Eval group", tuple(groups)))
    alt = "Greedy accuracy of every arm as its budget is spent, by level."
    figure = Figure("curves", "Learning curves", alt, views, choices)
    text = "Means over seeds; bands (drawn for up to eight arms): 95% t interval from three seeds, "
    text += f"else the range. Dashed: {BASE}, or the end of an arm that spends nothing of the axis."
    return Part("Learning curves", (figure,), lines=(text,))


def with_steps(run: Run) -> Run:
    """The run with its step as one more budget."""
    records = (replace(r, budgets={**r.budgets, STEP: float(r.step)}) for r in run.records)
    return replace(run, records=tuple(records))


def _lines(
    pools: Mapping[str, Sequence[Run]], address: Address, arms: Mapping[str, Look]
) -> list[_Line]:
    found = []
    for arm, pool in pools.items():
        by = {axis: mean_curve(pool, eval_greedy(address), axis) for axis in (*BUDGETS, STEP)}
        known = {axis: curve for axis, curve in by.items() if curve is not None}
        if STEP in known:
            low, high = seed_band(known[STEP].values)
            found.append(_Line(arms[arm], known, low, high))
    return found


def _view(
    rows: Mapping[Address, Sequence[_Line]], axis: str, base: Sequence[Run],
    arms: Mapping[str, Look],
) -> View:  # fmt: skip
    most = max(
        (float(line.by[axis].x[-1]) for row in rows.values() for line in row if axis in line.by),
        default=0.0,
    )
    traces: list[Trace] = []
    for panel, (address, row) in enumerate(rows.items(), 1):
        for line in row:
            if axis in line.by:
                traces += _traces(line, axis, panel, most)
        outcomes = [run.eval_sets[address].greedy for run in base if address in run.eval_sets]
        if outcomes:
            mean = accuracy_interval(np.array(outcomes, dtype=np.float64)).mean
            traces.append(line_of(arms[BASE], panel, [0, most], [mean, mean], flat=True))
    unit = UNITS.get(axis, "training step")
    x: dict[str, Any] = {"range": [0, most * 1.04 or 1], "tickformat": "~s", "nticks": 4,
                         "title": {"text": unit}}  # fmt: skip
    titles = tuple(f"Level {level}" for _, level in rows)
    return View(traces, titles, x, SHARES)


def _traces(line: _Line, axis: str, panel: int, most: float) -> list[Trace]:
    curve = line.by[axis]
    if not curve.spends:
        end = float(curve.mean[-1])
        return [line_of(line.look, panel, [0, most], [end, end], flat=True)]
    x = numbers(curve.x)
    drawn = [line_of(line.look, panel, x, numbers(curve.mean))]
    if len(curve.values) > 1 and len(line.low) == len(x):
        drawn.insert(0, band_of(line.look, panel, x, numbers(line.low), numbers(line.high)))
    return drawn
