"""Composition: what is mastered becomes the parts of what is practised next.

Xu et al. 2026, "Composition-RL: Compose Your Verifiable Prompts for Reinforcement Learning of Large
Language Models", arXiv 2602.12036.
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
from ..signals.averages import Average
from ..state import Array


class Composition(Base):
    """Units all of whose direct parts are mastered and which are not mastered themselves.

    Mastered is a running average of the pass rate (by `rate`, from 0) of at least `mastered`. Units
    without parts are open from the start. `epsilon` of the draws go to all units alike. `propose`
    names pairs of mastered units that no unit is composed of yet: a task factory can chain them and
    `resize` the curriculum.
    """

    name = "composition"
    family = "structure"
    paper = "Xu et al. 2026, arXiv 2602.12036"
    information = "prerequisite graph"
    order_free = True
    reaches_all = True
    saved = ("competence",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        rate: float = 0.3,
        mastered: float = 0.8,
        epsilon: float = 0.1,
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(rate=rate, mastered=mastered)
        checks.inside(epsilon=epsilon)
        self.mastered, self.epsilon = mastered, epsilon
        self.graph = Graph(self.pool, self.name)
        self.competence = Average(self.units, rate)

    def is_mastered(self) -> np.ndarray:
        """Which units are."""
        return self.competence.value >= self.mastered

    def weights(self) -> Array:
        """One for each unit that is open and not mastered, over a uniform share."""
        done, graph = self.is_mastered(), self.graph
        ready = np.bincount(graph.after, weights=done[graph.before], minlength=len(done))
        return mixed(((ready == graph.parts) & ~done).astype(float), self.epsilon)

    def by_unit(self) -> Mapping[str, Array]:
        """What is believed of each unit."""
        return {"competence": self.competence.value}

    def learn(self, batch: Batch) -> None:
        """Renew what is mastered."""
        self.competence.update(*batch.pooled())

    def propose(self, count: int) -> list[tuple[str, str]]:
        """Up to `count` ordered pairs of mastered units, from the curriculum's own generator."""
        done = np.flatnonzero(self.is_mastered()).tolist()
        known = {frozenset(parts) for parts in self.graph.direct}
        found: dict[tuple[int, int], None] = {}
        for _ in range(20 * count):  # pairs may run out
            if len(found) >= count or len(done) < 2:
                break
            one, other = self.rng.sample(done, 2)
            if frozenset((one, other)) not in known:
                found[one, other] = None
        return [(self.units[one], self.units[other]) for one, other in found]

    def metrics(self) -> Mapping[str, float]:
        """Also the share of units that are mastered."""
        return {**super().metrics(), "mastered": float(self.is_mastered().mean())}
