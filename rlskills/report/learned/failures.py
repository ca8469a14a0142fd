"""Which kinds of mistakes answers make, by arm and level; `bars.py` draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...evaluation.explained import RIGHT, RIGHT_BARE, WRONG_BARE
from ...runs.tags import MISTAKES, Address
from ...stats import Array, Interval, accuracy_interval, short
from ..run import Run
from ..section import EVAL_SET, NONE, Section, where
from .pools import Pools, evaluated, with_kinds

KINDS = (
    "verified", "lucky", RIGHT_BARE, *MISTAKES, "answer differs", "ambiguous", "other",
    WRONG_BARE, "unparsed", "truncated",
)  # fmt: skip
"""In the order in which they are shown; any other name in a record counts as `other`."""
MOST = 12
"""Arms that a terminal has room for."""
ABOUT = (
    "Kinds of greedy answers, told by the known results of every step (docs/measures.md): verified "
    "and lucky ones are right, with and without right steps; the others are wrong."
)


def failures(pools: Pools) -> list[Section]:
    """Shares of all kinds of greedy answers, a row for each eval set and arm."""
    cells = {
        (address, arm): found
        for address in evaluated(pools)
        for arm, pool in pools.items()
        if (found := kind_shares(pool, address))
    }
    if not cells:
        return []
    kinds = [kind for kind in KINDS if any(kind in found for found in cells.values())]
    rows = [
        (where(address), arm, *(str(found.get(kind, NONE)) for kind in kinds))
        for (address, arm), found in cells.items()
    ]
    methods = dict.fromkeys(each.method for found in cells.values() for each in found.values())
    lines = (ABOUT, f"95% intervals: {'; '.join(methods)}.")
    return [Section("How answers fail", (EVAL_SET, "arm", *kinds), tuple(rows), 2, lines)]


def summary(pools: Pools) -> list[Section]:
    """A line an arm, means over all its problems of two steps and more; none for many arms."""
    rows = []
    for arm, pool in pools.items() if len(pools) <= MOST else ():
        tables = [table for address in evaluated(pools) if (table := _table(pool, address))]
        if tables:
            answers = np.concatenate([np.ravel(table) for table in tables])
            shares = {kind: float(np.mean(answers == kind)) for kind in KINDS}
            rest = sum(shares[kind] for kind in KINDS if kind not in (*RIGHT, *MISTAKES))
            right = sum(shares[kind] for kind in RIGHT)
            parts = (right, shares["verified"], *(shares[kind] for kind in MISTAKES), rest)
            rows.append((arm, *map(short, parts)))
    header = ("arm", "right", "verified", *MISTAKES, "rest")
    line = "Of greedy answers to problems of two steps and more; by level, with more, on the page."
    return [Section("How answers fail", header, tuple(rows), 1, (line,))] if rows else []


def kind_shares(pool: Sequence[Run], address: Address) -> dict[str, Interval]:
    """The share of each kind that occurs, with an interval as of an accuracy; none where no run
    has kinds."""
    table = _table(pool, address)
    if not table:
        return {}
    answers: Array = np.array(table)
    present = [kind for kind in KINDS if (answers == kind).any()]
    return {kind: accuracy_interval((answers == kind).astype(np.float64)) for kind in present}


def _table(pool: Sequence[Run], address: Address) -> list[list[str]]:
    """Kinds of greedy answers, shape (seeds, problems), of the problems that all seeds have."""
    rows = [[each and each.greedy for each in row] for row in with_kinds(pool, address)]
    columns = [column for column in zip(*rows, strict=True) if all(column)]
    known = [[kind if kind in KINDS else "other" for kind in column] for column in columns]
    return [list(row) for row in zip(*known, strict=True)]
