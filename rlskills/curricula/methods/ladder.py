"""LADDER: a problem that fails is taken apart, and its easier parts are practised first.

Simonds and Yoshiyama 2025, "LADDER: Self-Improving LLMs Through Recursive Problem Decomposition",
arXiv 2503.00735. The paper has the model write easier variants; a composed task has its
sub-expressions, which are its prerequisites in the pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..graph import Graph
from ..pickers import mixed
from ..pool import Pool
from ..state import Array


class Ladder(Base):
    """Demand for practice flows from failed units down to their parts, and ends with success.

    A group of unit u with mean reward below `enough` adds 1 - reward to the demand for its direct
    parts, shared alike, and so on down if these fail too. Each group of a unit, right or wrong,
    takes its demand down by half; one that is right often enough takes it away. `epsilon` of the
    draws go to all units alike, all of them while nothing is in demand.
    """

    name = "ladder"
    family = "structure"
    paper = "Simonds and Yoshiyama 2025, arXiv 2503.00735"
    information = "prerequisite graph"
    order_free = True
    reaches_all = True
    rows = ("demand",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        enough: float = 0.5,
        epsilon: float = 0.3,
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(enough=enough)
        checks.inside(epsilon=epsilon)
        self.enough, self.epsilon = enough, epsilon
        self.direct = [np.array(one, dtype=np.int64) for one in Graph(self.pool, self.name).direct]
        self.demand = np.zeros(len(self.units))

    def weights(self) -> Array:
        """Demand over a uniform share."""
        return mixed(self.demand, self.epsilon)

    def learn(self, batch: Batch) -> None:
        """First what was practised, then what is wanted because of it."""
        at, mean, count = batch.pooled()
        failed = mean < self.enough
        self.demand[at] *= np.where(failed, 0.5**count, 0.0)
        for unit, reward in zip(at[failed].tolist(), mean[failed].tolist(), strict=True):
            parts = self.direct[unit]
            if len(parts):
                self.demand[parts] += (1 - reward) / len(parts)

    def metrics(self) -> Mapping[str, float]:
        """Also the number of units in demand."""
        return {**super().metrics(), "in_demand": float((self.demand > 1e-6).sum())}
