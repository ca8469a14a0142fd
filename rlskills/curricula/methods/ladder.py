"""LADDER: a problem that fails is taken apart, and its easier parts are practised first.

Simonds and Yoshiyama 2025, "LADDER: Self-Improving LLMs Through Recursive Problem Decomposition",
arXiv 2503.00735. The paper has the model write easier variants; a composed task has its
sub-expressions, which are its prerequisites in the pool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..graph import Graph
from ..options import fraction, inside
from ..pickers import mixed
from ..state import Array


class Ladder(Base):
    """Demand for practice flows from failed units down to their parts, and ends with success.

    A group of unit u with mean pass rate p below `enough` adds 1 - p to the demand for its direct
    parts, shared alike, and so on down if these fail too. Each group of a unit, right or wrong,
    halves its demand; a group that is right often enough ends it. `epsilon` of the
    draws go to all units alike, all of them while nothing is in demand.
    """

    name = "ladder"
    family = "structure"
    paper = "Simonds and Yoshiyama 2025, arXiv 2503.00735"
    information = "prerequisite graph"
    order_free = True
    reaches_all = True
    rows = ("demand",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        enough: float = fraction(0.5)
        """Mean pass rate below which a group has failed."""
        epsilon: float = inside(0.3)
        """Share of the draws that goes to all units alike."""

    options: Options

    @override
    def setup(self) -> None:
        graph = Graph(self.pool, self.name)
        self.direct = [np.array(parts, dtype=np.int64) for parts in graph.direct]
        self.demand = np.zeros(len(self.units))

    @override
    def weights(self) -> Array:
        return mixed(self.demand, self.options.epsilon)

    @override
    def learn(self, batch: Batch) -> None:
        at, mean, count = batch.pooled()
        failed = mean < self.options.enough
        self.demand[at] *= np.where(failed, 0.5**count, 0.0)
        for unit, rate in zip(at[failed].tolist(), mean[failed].tolist(), strict=True):
            parts = self.direct[unit]
            if len(parts):
                self.demand[parts] += (1 - rate) / len(parts)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"demand": self.demand}

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"in_demand": float((self.demand > 1e-6).sum())}
