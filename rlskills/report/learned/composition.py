"""Whether composing costs more than the skills of the same arm, asked alone, explain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import UserError
from ...evaluation.measures.composition import composition_gap, efficiency, predicted
from ...evaluation.measures.counts import Counts, counts
from ...runs.tags import Address
from ..run import Run
from ..section import EVAL_SET, NONE, Section, where
from .pools import Pools, answered, evaluated, joined

FEWEST = 4
"""Answers from which a skill's own accuracy counts as known."""


@dataclass(frozen=True)
class _Composed:
    """Compositions of one eval set whose skills are all known alone."""

    counts: Counts
    chains: list[tuple[str, ...]]
    atoms: Mapping[str, Counts]

    def efficiency(self) -> str:
        """The ratio with its interval."""
        try:
            ratio = efficiency(self.counts, self.chains, self.atoms).ratio
        except UserError:  # no product above 0
            return NONE
        return f"{ratio.mean:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"

    def gap(self) -> str:
        """The share of solved parts whose composition is not."""
        rates = {name: float(each.c.sum() / each.n.sum()) for name, each in self.atoms.items()}
        product = predicted(self.chains, rates)
        return str(composition_gap(product, self.counts.rates)) if product.any() else NONE


def composition(pools: Pools) -> list[Section]:
    """Efficiency and gap, a row for each eval set of compositions and a column for each arm."""
    atoms = {arm: _atoms(pool) for arm, pool in pools.items()}
    ratios, gaps = [], []
    for address in evaluated(pools):
        cells = {arm: _composed(pool, address, atoms[arm]) for arm, pool in pools.items()}
        found = list(cells.values())
        if any(found):
            row = where(address)
            ratios.append((row, *(each.efficiency() if each else NONE for each in found)))
            gaps.append((row, *(each.gap() if each else NONE for each in found)))
    if not ratios:
        return []
    header = (EVAL_SET, *pools)
    alone = (
        "Skills alone are the problems of level 1 with one skill, of any group; samples count "
        "where there are some, else greedy answers. 95% intervals: bootstrap over problems."
    )
    ratio = (
        "Accuracy over the product of the same arm's accuracies on the skills alone: 1 where all "
        "mistakes are those of the skills."
    )
    gap = "Of the problems whose skills are all right alone (by chance), the share that is wrong."
    return [
        Section("Composition efficiency", header, tuple(ratios), 1, (ratio, alone)),
        Section("Compositionality gap", header, tuple(gaps), 1, (gap, alone)),
    ]


def _atoms(pool: Sequence[Run]) -> dict[str, Counts]:
    """Answers of an arm to each skill asked alone, over all seeds."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for run in pool:
        for (_, level), eval_set in run.eval_sets.items():
            if level == 1 and eval_set.skills:
                table = answered(eval_set)
                for skills, n, c in zip(eval_set.skills, table.n, table.c, strict=True):
                    if len(skills) == 1:
                        found[skills[0]].append((int(n), int(c)))
    return {
        name: counts(*np.array(rows).T)
        for name, rows in found.items()
        if sum(n for n, _ in rows) >= FEWEST
    }


def _composed(
    pool: Sequence[Run], address: Address, atoms: Mapping[str, Counts]
) -> _Composed | None:
    parts: list[Counts] = []
    chains: list[tuple[str, ...]] = []
    for run in pool:
        eval_set = run.eval_sets[address]
        keep = [len(skills) > 1 and atoms.keys() >= set(skills) for skills in eval_set.skills or ()]
        if any(keep):
            kept = eval_set.only(keep)
            parts.append(answered(kept))
            chains += kept.skills or ()
    if not parts:
        return None
    used = {skill for chain in chains for skill in chain}
    return _Composed(joined(parts), chains, {name: atoms[name] for name in sorted(used)})
