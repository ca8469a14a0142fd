"""pass@k against k, up to as many samples as every problem has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...runs.tags import Address
from ..learned.pass_at_k import curve
from ..run import Run
from .part import Choice, Figure, Look, Part, Trace, View, ordered
from .plot import SHARES, band_of, line_of


def pass_at_k_part(
    pools: Mapping[str, Sequence[Run]], arms: Mapping[str, Look], order: Sequence[str] = ()
) -> Part | None:
    """A panel for each level, k on a scale of powers of two; None below two samples."""
    runs = [run for pool in pools.values() for run in pool]
    most: dict[Address, int] = {}
    for address in runs[0].eval_sets:
        sets = [run.eval_sets[address] for run in runs if address in run.eval_sets]
        if len(sets) == len(runs) and (least := min(min(each.samples) for each in sets)) > 1:
            most[address] = least
    if not most:
        return None
    groups = ordered((group for group, _ in most), order)
    views = {
        (g,): _view({at: k for at, k in sorted(most.items()) if at[0] == group}, pools, arms)
        for g, group in enumerate(groups)
    }
    alt = "Chance that one of k samples is right, for every arm, by level."
    figure = Figure("pass-at-k", "pass@k", alt, views, (Choice("Eval group", tuple(groups)),))
    return Part("pass@k", (figure,))


def _view(
    most: Mapping[Address, int], pools: Mapping[str, Sequence[Run]], arms: Mapping[str, Look]
) -> View:
    traces: list[Trace] = []
    ticks = sorted({k for largest in most.values() for k in _powers(largest)})
    for panel, (address, largest) in enumerate(most.items(), 1):
        ks = _powers(largest)
        for arm, pool in pools.items():
            cells = curve(pool, address, ks)
            low, high = [cell.low for cell in cells], [cell.high for cell in cells]
            look, x = arms[arm], [float(k) for k in ks]
            traces.append(band_of(look, panel, x, low, high))
            traces.append(line_of(look, panel, x, [cell.mean for cell in cells]))
    x_axis = {"type": "log", "title": {"text": "samples k"}, "tickvals": ticks,
              "ticktext": [str(k) for k in ticks]}  # fmt: skip
    titles = tuple(f"Level {level}" for _, level in most)
    return View(traces, titles, x_axis, SHARES)


def _powers(largest: int) -> list[int]:
    """1, 2, 4, ... and the largest itself."""
    return sorted({*(1 << power for power in range(largest.bit_length())), largest})
