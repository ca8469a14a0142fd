"""Composition: what is mastered becomes the parts of what is practised next.

Xu et al. 2026, "Composition-RL: Compose Your Verifiable Prompts for Reinforcement Learning of Large
Language Models", arXiv 2602.12036.
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

    @dataclass(frozen=True)
    class Options(Base.Options):
        rate: float = fraction(0.3)
        """How far competence moves to a pass rate."""
        mastered: float = fraction(0.8)
        """Competence from which a unit is mastered."""
        epsilon: float = inside(0.1)
        """Share of the draws that goes to all units alike."""

    options: Options

    @override
    def setup(self) -> None:
        self.graph = Graph(self.pool, self.name)
        self.competence = Average(self.units, self.options.rate)

    def is_mastered(self) -> np.ndarray:
        """Which units are mastered, as a mask."""
        return self.competence.value >= self.options.mastered

    @override
    def weights(self) -> Array:
        done, graph = self.is_mastered(), self.graph
        ready = np.bincount(graph.after, weights=done[graph.before], minlength=len(done))
        return mixed(((ready == graph.parts) & ~done).astype(float), self.options.epsilon)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"competence": self.competence.value}

    @override
    def learn(self, batch: Batch) -> None:
        self.competence.update(*batch.pooled())

    def propose(self, count: int) -> list[tuple[str, str]]:
        """Up to `count` ordered pairs of mastered units, from the curriculum's own generator."""
        done = np.flatnonzero(self.is_mastered()).tolist()
        known = {frozenset(parts) for parts in self.graph.direct}
        pairs: dict[tuple[int, int], None] = {}
        for _ in range(20 * count):  # pairs may run out
            if len(pairs) >= count or len(done) < 2:
                break
            first, second = self.rng.sample(done, 2)
            if frozenset((first, second)) not in known:
                pairs[first, second] = None
        return [(self.units[first], self.units[second]) for first, second in pairs]

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"mastered": float(self.is_mastered().mean())}
