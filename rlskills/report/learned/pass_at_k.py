"""pass@k at several k, and whether right samples are right for the right reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...evaluation.measures.counts import counts
from ...evaluation.measures.pass_at_k import (
    pass_at,
    verified_counts,
    verified_given_correct,
)
from ...runs.tags import Address
from ...stats import Interval, accuracy_interval
from ..run import Run
from ..section import EVAL_SET, NONE, Section, where
from .pools import Pools, evaluated


def steps_of_k(samples: int) -> list[int]:
    """1, 4, 16, ... up to the number of samples, which is there as well."""
    ks = [1]
    while ks[-1] * 4 <= samples:
        ks.append(ks[-1] * 4)
    return ks if ks[-1] == samples else [*ks, samples]


def fewest(pools: Pools, address: Address) -> int:
    """Samples of the problem that has the fewest, in any run."""
    return min(min(run.eval_sets[address].samples) for pool in pools.values() for run in pool)


def curve(pool: Sequence[Run], address: Address, ks: Sequence[int]) -> list[Interval]:
    """pass@k of an arm with an interval at each k, of which it has as many samples."""
    sets = [run.eval_sets[address] for run in pool]
    found = np.stack([pass_at(counts(each.samples, each.correct), ks) for each in sets])
    return [accuracy_interval(column) for column in np.moveaxis(found, 2, 0)]


def pass_at_k(pools: Pools) -> list[Section]:
    """A row for each eval set and arm, a column for each k; none for fewer than four samples."""
    sets = {address: n for address in evaluated(pools) if (n := fewest(pools, address)) >= 4}
    if not sets:
        return []
    ks = sorted({k for n in sets.values() for k in steps_of_k(n)})
    rows: list[tuple[str, ...]] = []
    methods: dict[str, None] = {}
    for address, n in sets.items():
        mine = [k for k in ks if k <= n]
        for arm, pool in pools.items():
            cells = curve(pool, address, mine)
            methods |= dict.fromkeys(cell.method for cell in cells)
            rest = [NONE] * (len(ks) - len(mine))
            rows.append((where(address), arm, *map(str, cells), *rest))
    header = (EVAL_SET, "arm", *(f"pass@{k}" for k in ks))
    lines = (
        "Unbiased, from all samples. At as many k each problem is 0 or 1; up to half of them says "
        f"more. 95% intervals: {'; '.join(methods)}.",
        "What a guesser would get is not taken off: records do not know it.",
    )
    return [Section("pass@k", header, tuple(rows), 2, lines)]


def right_reasons(pools: Pools) -> list[Section]:
    """The share of right samples whose steps are right too, where steps are read."""
    rows = []
    for address in evaluated(pools):
        cells = [_right_reasons(pool, address) for pool in pools.values()]
        if any(cells):
            rows.append((where(address), *(str(cell or NONE) for cell in cells)))
    line = "Of right samples, those with right steps; lucky ones make up the rest. 95% intervals: "
    line += "bootstrap over problems."
    title = "Right samples by right steps"
    return [Section(title, (EVAL_SET, *pools), tuple(rows), 1, (line,))] if rows else []


def _right_reasons(pool: Sequence[Run], address: Address) -> Interval | None:
    """Over the problems of all seeds; None where nothing is right."""
    known = [
        (n, c, each.verified)
        for run in pool
        for n, c, each in zip(
            run.eval_sets[address].samples,
            run.eval_sets[address].correct,
            run.eval_sets[address].kinds or (),
            strict=False,
        )
        if n and each and each.samples
    ]
    if not any(c for _, c, _ in known):
        return None
    n, c, verified = np.array(known).T
    right = counts(n, c)
    return verified_given_correct(right, verified_counts(right, verified))
