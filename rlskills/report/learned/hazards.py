"""At which step greedy answers first go wrong, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...evaluation.measures import hazards as measure
from ...evaluation.measures.hazards import CAUSES, Trace, band
from ...runs.tags import Address
from ...stats import short
from ..run import Run
from ..section import EVAL_SET, NONE, Section, where
from .pools import Pools, evaluated, with_kinds

STEPS = 8
"""Columns; later steps are left out."""


def hazards(pools: Pools) -> list[Section]:
    """Hazards by cause: a row for each eval set, arm and cause that occurs."""
    rows = []
    for address in evaluated(pools):
        for arm, pool in pools.items():
            rows += [(where(address), arm, *row) for row in _rows(_traces(pool, address))]
    if not rows:
        return []
    steps = max(len(row) for row in rows) - 4
    header = (EVAL_SET, "arm", "cause", "traces", *(f"step {n + 1}" for n in range(steps)))
    padded = tuple((*row, *[NONE] * (len(header) - len(row))) for row in rows)
    lines = (
        "Of the greedy answers without a mistake before a step, the share whose first one is there:"
        " the step takes other values than it should (binding), a wrong result (slip), or nothing "
        "follows (stop). Answers without any step are left out.",
        "95% intervals: bootstrap over problems.",
    )
    return [Section("Where answers first go wrong", header, padded, 3, lines)]


def _rows(traces: Sequence[Trace]) -> list[tuple[str, ...]]:
    if not traces:
        return []
    found, (low, high) = measure.hazards(traces).hazards, band(traces)
    steps = min(found.shape[1], STEPS)
    rows = []
    for i, cause in enumerate(CAUSES):
        if not np.nansum(found[i]):
            continue
        cells = [
            f"{short(found[i, j])} [{short(low[i, j])}, {short(high[i, j])}]"
            if np.isfinite(found[i, j]) else NONE
            for j in range(steps)
        ]  # fmt: skip
        rows.append((cause, str(len(traces)), *cells))
    return rows


def _traces(pool: Sequence[Run], address: Address) -> list[Trace]:
    rows = with_kinds(pool, address)
    return [each.trace for row in rows for each in row if each and each.trace]
