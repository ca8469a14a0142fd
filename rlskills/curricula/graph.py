"""The prerequisite graph as arrays, and how to estimate one from observed transfer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import combinations

import numpy as np
from typing_extensions import override

from ..errors import UserError
from .pool import Pool
from .signals.averages import toward
from .state import Array, IntArray, Stateful

TABLE = 50_000
"""Up to this size, a table of all ancestors is faster than going through the layers."""


class Graph:
    """Direct edges (`before[e]` is a part of `after[e]`), and the weakest part of every unit.

    Raises `UserError` when the pool knows no prerequisites.
    """

    def __init__(self, pool: Pool, method: str) -> None:
        if not pool.prerequisites:
            raise UserError(f"{method} needs the pool's prerequisites, and it knows none")
        number = len(pool.units)
        index = {unit: i for i, unit in enumerate(pool.units)}
        known = pool.prerequisites
        self.direct = [
            [index[part] for part in dict.fromkeys(known.get(u, ()))] for u in pool.units
        ]
        order = list(TopologicalSorter(dict(enumerate(self.direct))).static_order())
        depth = [0] * number
        for i in order:
            depth[i] = 1 + max((depth[part] for part in self.direct[i]), default=-1)
        built = sorted((depth[i], i) for i in range(number) if self.direct[i])
        edges = [(part, i) for _, i in built for part in self.direct[i]]
        self.before, self.after = np.array(edges, dtype=np.int64).reshape(-1, 2).T
        self.parts = np.bincount(self.after, minlength=number).astype(float)
        self.uses = np.bincount(self.before, minlength=number).astype(float)
        self.depth = np.array(depth, dtype=np.int64)
        at_depth = self.depth[self.after]
        self.layers = [
            slice(*np.searchsorted(at_depth, [d, d + 1])) for d in range(1, max(depth) + 1)
        ]
        # For each layer its edges' parts, the units that they lead to, and where each unit begins.
        self._steps = []
        for layer in self.layers:
            starts = np.flatnonzero(np.diff(self.after[layer], prepend=-1))
            self._steps.append((self.before[layer], self.after[layer][starts], starts))
        # A unit's edges to its parts lie together; `by_part` has those to its uses together.
        starts = np.flatnonzero(np.diff(self.after, prepend=-1))
        self._first = np.zeros(number, dtype=np.int64)
        self._first[self.after[starts]] = starts
        self.by_part = np.argsort(self.before, kind="stable")
        self._first_use = np.searchsorted(self.before[self.by_part], np.arange(number))
        self._table = self._ancestors(order)

    def _ancestors(self, order: list[int]) -> IntArray | None:
        """All ancestors of each unit, padded with the number of units; None when too many."""
        sets: list[frozenset[int]] = [frozenset()] * len(self.direct)
        total = 0
        for i in order:
            sets[i] = frozenset(self.direct[i]).union(*(sets[part] for part in self.direct[i]))
            total = max(total, len(sets[i]) * len(sets))
            if total > TABLE:
                return None
        table = np.full((len(sets), max(map(len, sets))), len(sets), dtype=np.int64)
        for i, ancestors in enumerate(sets):
            table[i, : len(ancestors)] = sorted(ancestors)
        return table

    @property
    def small(self) -> bool:
        """Whether the weakest parts of all units are found as fast as those of a few."""
        return self._table is not None

    def weakest_part(self, competence: Array) -> Array:
        """For each unit the lowest competence among all its ancestors; 1 without any."""
        if self._table is not None:
            return np.append(competence, 1.0)[self._table].min(1)
        # `least` is the lowest of a unit and its ancestors, so that one look-up is enough.
        weakest, least = np.ones(len(competence)), competence.copy()
        for before, units, starts in self._steps:
            lowest = np.minimum.reduceat(least[before], starts)
            weakest[units] = lowest
            least[units] = np.minimum(lowest, competence[units])
        return weakest

    def follow(self, competence: Array, weakest: Array, changed: IntArray) -> IntArray:
        """Bring `weakest` (see `weakest_part`) up to date after the competence of the units
        `changed`; returns the units of which it may differ. Takes time by how many these are.
        """
        waiting: list[list[IntArray]] = [[] for _ in range(len(self.layers) + 1)]
        touched = [np.zeros(0, dtype=np.int64)]

        def hand_up(units: IntArray) -> None:
            number = self.uses[units].astype(np.int64)
            above = self.after[self.by_part[_ranges(self._first_use[units], number)]]
            depth = self.depth[above]
            for d in np.unique(depth).tolist():
                waiting[d].append(above[depth == d])

        hand_up(changed)
        for units_of_depth in waiting[1:]:
            if not units_of_depth:
                continue
            units = np.unique(np.concatenate(units_of_depth))
            number = self.parts[units].astype(np.int64)
            parts = self.before[_ranges(self._first[units], number)]
            least = np.minimum(weakest[parts], competence[parts])
            lowest = np.minimum.reduceat(least, np.cumsum(number) - number)
            moved = lowest != weakest[units]
            weakest[units] = lowest
            touched.append(units[moved])
            hand_up(units[moved])
        return np.concatenate(touched)

    def least_use(self, values: Array, units: IntArray) -> Array:
        """For each of `units` the lowest value among what it is a direct part of; 0 if of none."""
        number = self.uses[units].astype(np.int64)
        used = number > 0
        above = self.after[self.by_part[_ranges(self._first_use[units], number)]]
        lowest = np.zeros(len(units))
        if used.any():
            starts = (np.cumsum(number) - number)[used]
            lowest[used] = np.minimum.reduceat(values[above], starts)
        return lowest

    def parts_of(self, units: IntArray) -> IntArray:
        """Direct parts of `units`, each once."""
        number = self.parts[units].astype(np.int64)
        return np.unique(self.before[_ranges(self._first[units], number)])


def _ranges(first: IntArray, number: IntArray) -> IntArray:
    """first[0], ..., first[0] + number[0] - 1, first[1], ... in one array."""
    ends = np.cumsum(number)
    return np.repeat(first - ends + number, number) + np.arange(ends[-1] if len(ends) else 0)


class Prerequisites(Stateful):
    """Gate on the graph: clip(weakest ancestor / `enough`, `least`, 1)^power by unit.

    The competence of an ancestor is a running average of its pass rate that starts at 0, so a unit
    whose parts were never seen waits.
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
        self._known: tuple[Array, Array] | None = None

    @property
    def factor(self) -> Array:
        """The gate of each unit."""
        if self._known is None:
            weakest = self.graph.weakest_part(self.competence)
            self._known = weakest, self._gate(weakest)
        return self._known[1]

    def _gate(self, weakest: Array) -> Array:
        return np.clip(weakest / self.enough, self.least, 1.0) ** self.power

    def update(self, where: IntArray, mean: Array, count: Array) -> None:
        """Take in pass rates."""
        toward(self.competence, where, mean, self.rate, count)
        if self.graph.small:
            self._known = None
        elif self._known is not None:
            weakest, factor = self._known
            units = self.graph.follow(self.competence, weakest, where)
            factor[units] = self._gate(weakest[units])

    @override
    def refresh(self) -> None:
        self._known = None


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
    for first, second in combinations(units, 2):
        losses = train([first, second])
        mixed[first, second], mixed[second, first] = losses[second], losses[first]
    return transfer_edges(alone, mixed, margin)
