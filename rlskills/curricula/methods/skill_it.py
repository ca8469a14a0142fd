"""Skill-It: weight to skills whose loss is high, and to the skills that help them.

Chen et al. 2023, "Skill-it! A Data-Driven Skills Framework for Understanding and Training Language
Models", arXiv 2307.14430. `rlskills.curricula.graph.estimate_graph` runs the paper's experiment
that finds out what helps what.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import UnknownName, UserError
from .. import checks
from ..base import Base
from ..batch import Batch
from ..graph import Graph
from ..pickers import softmax
from ..pool import Pool
from ..state import Array


class SkillIt(Base):
    """w_i in proportion to exp(eta sum_j A_ij L_j), L_j the sum of j's last three recorded losses.

    A_ii = 1, and A_ij = .5 where i is a direct part of j in the pool's graph, or what `edges` says
    ({i: {j: weight}}). The loss is 1 - pass rate, recorded every `every` steps over the groups
    since then; a unit that did not come up keeps its last one. Until the first record all L are 1.
    Units that cannot be learned keep their weight, and their parts theirs, for ever.
    """

    name = "skill_it"
    family = "structure"
    paper = "Chen et al. 2023, arXiv 2307.14430"
    information = "prerequisite graph"
    order_free = True
    reaches_all = True
    rows = ("history", "failed", "groups")
    saved = ("records", "due")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        eta: float = 0.5,
        every: int = 25,
        edges: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(eta=eta, every=every)
        self.eta, self.every = eta, every
        if edges is None:
            graph = Graph(self.pool, self.name)
            self.helper, self.helped = graph.before, graph.after
            self.weight = np.full(len(graph.before), 0.5)
        else:
            self._read(edges)
        number = len(self.units)
        self.history = np.zeros((number, 3))
        self.failed, self.groups = np.zeros(number), np.zeros(number)
        self.records, self.due = 0, every

    def _read(self, edges: Mapping[str, Mapping[str, float]]) -> None:
        triples = [(i, j, w) for i, helped in edges.items() for j, w in helped.items() if i != j]
        for i, j, weight in triples:
            for unit in (i, j):
                if unit not in self.index:
                    raise UnknownName("unit in the edges of skill_it", unit, self.units)
            if not (weight >= 0 and math.isfinite(weight)):
                raise UserError(f"edge {i!r} to {j!r} has weight {weight}")
        self.helper = np.array([self.index[i] for i, _, _ in triples], dtype=np.int64)
        self.helped = np.array([self.index[j] for _, j, _ in triples], dtype=np.int64)
        self.weight = np.array([float(weight) for _, _, weight in triples])

    def weights(self) -> Array:
        """exp of own loss and of the losses that the unit helps with."""
        loss = self.history.sum(1) if self.records else np.ones(len(self.units))
        passed = self.weight * loss[self.helped]
        helps = np.bincount(self.helper, weights=passed, minlength=len(loss))
        return softmax(loss + helps, 1 / self.eta)

    def learn(self, batch: Batch) -> None:
        """Gather losses, and record them when it is time."""
        at, mean, count = batch.pooled()
        self.failed[at] += count * (1 - mean)
        self.groups[at] += count
        if self.step < self.due:
            return
        last = self.history[:, 0] if self.records else np.ones(len(self.units))
        loss = np.where(self.groups > 0, self.failed / np.maximum(self.groups, 1), last)
        self.history = np.concatenate([loss[:, None], self.history[:, :2]], axis=1)
        self.failed[:], self.groups[:] = 0.0, 0.0
        self.records, self.due = self.records + 1, self.step + self.every
