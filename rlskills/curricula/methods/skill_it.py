"""Skill-It: weight to skills whose loss is high, and to the skills that help them.

Chen et al. 2023, "Skill-it! A Data-Driven Skills Framework for Understanding and Training Language
Models", arXiv 2307.14430. `rlskills.curricula.graph.estimate_graph` runs the paper's experiment
that finds out what helps what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ...errors import UnknownName, UserError
from ..base import Base
from ..batch import Batch
from ..graph import Graph
from ..options import positive
from ..pickers import softmax
from ..state import Array


class SkillIt(Base):
    """w_i in proportion to exp(eta sum_j A_ij L_j), L_j the sum of j's last three recorded losses.

    A_ii = 1, and A_ij = .5 / n where i is one of the n direct parts of j in the pool's graph, or
    what `edges` says ({i: {j: weight}}). The paper's edges weigh .5; its graph is a chain, where n
    is 1. In a graph of compositions a part may help dozens of units, and with .5 for each of them
    the exponents grow until nearly all draws go to the parts that most units have. The loss is
    1 - pass rate, recorded every `every` steps over the groups since then; a unit that did not
    come up keeps its last one. Until the first record all L are 1. Units that cannot be learned
    keep their weight, and their parts theirs, for ever.
    """

    name = "skill_it"
    version = 2
    family = "structure"
    paper = "Chen et al. 2023, arXiv 2307.14430"
    information = "prerequisite graph"
    order_free = True
    reaches_all = True
    rows = ("history", "failed", "groups")
    saved = ("records", "due")

    @dataclass(frozen=True)
    class Options(Base.Options):
        eta: float = positive(0.5)
        """Scale of the losses in the exponent."""
        every: int = positive(25)
        """Steps between two records of the losses."""
        edges: Mapping[str, Mapping[str, float]] | None = None
        """What helps what, as {i: {j: weight}}; None: direct parts share .5."""

    options: Options

    @override
    def setup(self) -> None:
        if self.options.edges is None:
            graph = Graph(self.pool, self.name)
            self.helper, self.helped = graph.before, graph.after
            self.weight = 0.5 / graph.parts[graph.after]
        else:
            self._read(self.options.edges)
        number = len(self.units)
        self.history = np.zeros((number, 3))
        self.failed, self.groups = np.zeros(number), np.zeros(number)
        self.records, self.due = 0, self.options.every
        self._wanted: Array | None = None

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"loss": self.history[:, 0] if self.records else np.ones(len(self.units))}

    def _read(self, edges: Mapping[str, Mapping[str, float]]) -> None:
        triples = [(i, j, w) for i, helped in edges.items() for j, w in helped.items() if i != j]
        for i, j, weight in triples:
            for unit in (i, j):
                if unit not in self.index:
                    raise UnknownName("unit in the edges of skill_it", unit, self.units)
            if weight < 0:
                raise UserError(f"edge {i!r} to {j!r} has weight {weight}")
        self.helper = np.array([self.index[i] for i, _, _ in triples], dtype=np.int64)
        self.helped = np.array([self.index[j] for _, j, _ in triples], dtype=np.int64)
        self.weight = np.array([float(weight) for _, _, weight in triples])

    @override
    def weights(self) -> Array:
        if self._wanted is None:  # the same from one record to the next
            loss = self.history.sum(1) if self.records else np.ones(len(self.units))
            passed = self.weight * loss[self.helped]
            helps = np.bincount(self.helper, weights=passed, minlength=len(loss))
            self._wanted = softmax(loss + helps, 1 / self.options.eta)
        return self._wanted

    @override
    def learn(self, batch: Batch) -> None:
        at, mean, count = batch.pooled()
        self.failed[at] += count * (1 - mean)
        self.groups[at] += count
        if self.step < self.due:
            return
        last = self.history[:, 0] if self.records else np.ones(len(self.units))
        loss = np.where(self.groups > 0, self.failed / np.maximum(self.groups, 1), last)
        self.history = np.concatenate([loss[:, None], self.history[:, :2]], axis=1)
        self.failed[:], self.groups[:] = 0.0, 0.0
        self.records, self.due = self.records + 1, self.step + self.options.every
        self._wanted = None

    @override
    def refresh(self) -> None:
        self._wanted = None
        self.invalidate()
