"""The prerequisite graph as arrays, and how to estimate one from observed transfer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter

import numpy as np

from ..errors import UserError
from .pool import Pool
from .state import Array, IntArray, Stateful

LARGEST = 20_000_000


class Graph:
    """Direct edges (`before[e]` is a part of `after[e]`), all ancestors, and an order.

    Raises `UserError` when the pool knows no prerequisites, or when units have so many ancestors
    that a table of them does not fit.
    """

    def __init__(self, pool: Pool, method: str) -> None:
        if not pool.prerequisites:
            raise UserError(f"{method} needs the pool's prerequisites, and it knows none")
        self.units = pool.units
        index = {unit: i for i, unit in enumerate(pool.units)}
        known = pool.prerequisites
        self.direct = [[index[one] for one in dict.fromkeys(known.get(u, ()))] for u in pool.units]
        edges = [(one, i) for i, parts in enumerate(self.direct) for one in parts]
        self.before, self.after = np.array(edges, dtype=np.int64).reshape(-1, 2).T
        self.parts = np.bincount(self.after, minlength=len(pool.units)).astype(float)
        self.uses = np.bincount(self.before, minlength=len(pool.units)).astype(float)
        self.order = list(TopologicalSorter(dict(enumerate(self.direct))).static_order())
        self.ancestors, self.descendants = self._closure()

    def _closure(self) -> tuple[IntArray, list[IntArray]]:
        """Ancestors, padded with the number of units; descendants, the unit itself among them."""
        number = len(self.units)
        sets: list[frozenset[int]] = [frozenset()] * number
        for i in self.order:
            sets[i] = frozenset(self.direct[i]).union(*(sets[one] for one in self.direct[i]))
        width = max(map(len, sets))
        if width * number > LARGEST:
            raise UserError(f"the graph is too deep: {number} units with up to {width} ancestors")
        table = np.full((number, max(width, 1)), number, dtype=np.int64)
        below: list[list[int]] = [[i] for i in range(number)]
        for i, found in enumerate(sets):
            table[i, : len(found)] = sorted(found)
            for one in sorted(found):
                below[one].append(i)
        return table, [np.array(one, dtype=np.int64) for one in below]

    def affected(self, where: IntArray) -> IntArray:
        """The given units and all that are built on them; may name a unit twice."""
        return np.concatenate([self.descendants[i] for i in where.tolist()])

    def weakest_part(self, competence: Array, where: IntArray) -> Array:
        """Lowest competence among all ancestors; 1 for a unit without any."""
        return np.append(competence, 1.0)[self.ancestors[where]].min(1)


class Prerequisites(Stateful):
    """Gate on the graph: clip(weakest ancestor / `enough`, `least`, 1)^power by unit.

    Competence of an ancestor is a running average of its pass rate from 0 on, so what builds on
    parts that were never seen waits.
    """

    rows = ("competence",)

    def __init__(
        self,
        pool: Pool,
        method: str,
        *,
        rate: float = 0.3,
        enough: float = 0.5,
        least: float = 0.02,
        power: float = 1.0,
    ) -> None:
        self.keys = pool.units
        self.graph = Graph(pool, method)
        self.rate, self.enough, self.least, self.power = rate, enough, least, power
        self.competence = np.zeros(len(self.keys))
        self.factor = np.ones(len(self.keys))
        self.refresh()

    def update(self, where: IntArray, mean: Array, count: Array) -> None:
        """Take in pass rates; only what builds on these units is judged again."""
        left = (1 - self.rate) ** count
        self.competence[where] = mean + left * (self.competence[where] - mean)
        self._judge(self.graph.affected(where))

    def refresh(self) -> None:
        """Judge all units."""
        self._judge(np.arange(len(self.keys)))

    def _judge(self, where: IntArray) -> None:
        weakest = self.graph.weakest_part(self.competence, where)
        self.factor[where] = np.clip(weakest / self.enough, self.least, 1.0) ** self.power


def transfer_edges(
    alone: Mapping[str, float], mixed: Mapping[tuple[str, str], float], margin: float = 0.0
) -> dict[tuple[str, str], float]:
    """Skill-It's graph from losses: an edge i -> j where practising i as well lowers j's loss.

    `alone[j]` is the loss on j after training on j only, `mixed[i, j]` the loss on j after the same
    number of steps on i and j together. Edges that help by more than `margin` have the weight .5 of
    the paper.
    """
    for (i, j), loss in mixed.items():
        if j not in alone or not np.isfinite([loss, alone[j]]).all():
            raise UserError(f"no finite loss of {j!r} alone and with {i!r} to compare")
    return {(i, j): 0.5 for (i, j), loss in mixed.items() if i != j and alone[j] - loss > margin}


def estimate_graph(
    train: Callable[[Sequence[str]], Mapping[str, float]],
    units: Sequence[str],
    margin: float = 0.0,
) -> dict[tuple[str, str], float]:
    """Run Skill-It's experiment: `train(units)` trains a fresh learner on these units equally, for
    a fixed number of steps, and returns the loss on each. Takes k + k (k - 1) / 2 runs.
    """
    alone = {unit: train([unit])[unit] for unit in units}
    mixed: dict[tuple[str, str], float] = {}
    for a, one in enumerate(units):
        for other in units[a + 1 :]:
            losses = train([one, other])
            mixed[one, other], mixed[other, one] = losses[other], losses[one]
    return transfer_edges(alone, mixed, margin)
