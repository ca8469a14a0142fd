"""Whether an arm still knows what its base knew: the functions that all were taught."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...evaluation.measures.retention import MARGIN, forgets_nothing
from ...runs.folder import BASE
from ...runs.tags import Address
from ..comparison import pairing
from ..run import Run
from ..section import EVAL_SET, NONE, Section, where
from .pools import Pools, evaluated

GROUPS = ("common", "recall")
"""Groups of problems that test what was known before: compositions of functions that the base was
taught to compose, and skills alone."""


def retained(pools: Pools) -> list[Section]:
    """Change of greedy accuracy from the base, and whether it is none; from two seeds on."""
    base = pools.get(BASE, ())
    others = [arm for arm in pools if arm != BASE]
    rows = []
    for address in evaluated(pools) if base else ():
        if address[0] in GROUPS:
            cells = [_cell(pools[arm], base, address) for arm in others]
            if any(cell != NONE for cell in cells):
                rows.append((where(address), *cells))
    line = f"Change of greedy accuracy from the {BASE} with its 90% interval over paired seeds; "
    line += f"kept where that lies within {MARGIN:g} of 0 (two one-sided tests at 5%)."
    return [Section("What is kept", (EVAL_SET, *others), tuple(rows), 1, (line,))] if rows else []


def _cell(pool: Sequence[Run], base: Sequence[Run], address: Address) -> str:
    pairs = pairing(pool, base)
    if len(pairs) < 2:
        return NONE
    arms, bases = ({run.seed: run.eval_sets[address] for run in runs} for runs in (pool, base))
    now = [float(np.mean(arms[seed].greedy)) for seed, _ in pairs]
    then = [float(np.mean(bases[other].greedy)) for _, other in pairs]
    found = forgets_nothing(now, then)
    return f"{found.interval:+.2f}{' kept' if found.equivalent else ''}"
