"""Mastering rate: attention to units whose parts are mastered and whose uses are not yet.

Willems, Lahlou and Bengio 2020, "Mastering Rate based Curriculum Learning", arXiv 2008.06456.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..graph import Graph
from ..options import fraction, inside, positive
from ..pickers import mixed
from ..signals.windows import Windows
from ..state import Array, IntArray

DENSE = 512


class MasteringRate(Base):
    """Attention by mastering rate and progress, handed on along the graph.

    m is the mean of the last `window` group means, LP the size of their slope over trainer steps.
    Attention of a unit: (lowest m of its ancestors)^power [(1 - gamma) LP / max LP + gamma (1 - m)]
    (1 - lowest m of what it is a part of). Each unit, those built on most first, then hands
    `to_parts` of its attention to its parts, and afterwards `to_uses` to what it is a part of.
    `epsilon` of the draws go to all units alike. The term gamma (1 - m) assumes that every unit
    without parts can be learned.
    """

    name = "mastering_rate"
    version = 2
    family = "learning progress"
    paper = "Willems et al. 2020, arXiv 2008.06456"
    information = "prerequisite graph"
    reaches_all = True
    rows = ("mastery", "progress")
    saved = ("windows",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        window: int = positive(10)
        """Group means kept of each unit."""
        power: float = positive(6.0)
        """Exponent of the ancestors' mastering rate."""
        gamma: float = fraction(0.5)
        """Weight of what is not mastered against what progresses."""
        to_parts: float = fraction(0.2)
        """Share of a unit's attention that goes to its parts."""
        to_uses: float = fraction(0.05)
        """Share of a unit's attention that goes to what it is a part of."""
        epsilon: float = inside(0.1)
        """Share of the draws that goes to all units alike."""

    options: Options

    @override
    def setup(self) -> None:
        self.graph = Graph(self.pool, self.name)
        self.windows = Windows(self.units, self.options.window)
        number = len(self.units)
        self.mastery, self.progress = np.zeros(number), np.zeros(number)
        self._weakest: Array | None = None
        self._ready = np.zeros(number)
        self._least_use = np.zeros(number)
        options = self.options
        self._ways = [self._way(True, options.to_parts), self._way(False, options.to_uses)]
        self._matrix: Array | None = None
        if number <= DENSE:  # in small pools all the handing on is a single matrix
            self._matrix = np.array([self._hand_on(row) for row in np.eye(number)]).T

    def attention(self) -> Array:
        """How much each unit is wanted before anything is handed on."""
        most = self.progress.max()
        moving = self.progress / most if most > 0 else self.progress
        gamma = self.options.gamma
        own = (1 - gamma) * moving + gamma * (1 - self.mastery)
        if self._weakest is None:
            self._weakest = self.graph.weakest_part(self.mastery)
            self._ready = self._weakest**self.options.power
            self._least_use = self.graph.least_use(self.mastery, np.arange(len(self.units)))
        return self._ready * own * (1 - self._least_use)

    @override
    def weights(self) -> Array:
        own = self.attention()
        handed = self._hand_on(own) if self._matrix is None else self._matrix @ own
        return mixed(handed, self.options.epsilon)

    def _hand_on(self, attention: Array) -> Array:
        """To parts from the last layer down, then to uses from the first layer up."""
        total = attention.copy()
        for steps, remaining in self._ways:
            for to, starts, of, share in steps:
                total[to] += np.add.reduceat(total[of] * share, starts)
            total *= remaining
        return total

    def _way(
        self, parts: bool, share: float
    ) -> tuple[list[tuple[IntArray, IntArray, IntArray, Array]], Array]:
        """Per layer the receivers, where the givers of each begin, the givers and their shares; and
        what remains with each unit."""
        graph = self.graph
        number = graph.parts if parts else graph.uses
        rate = share / np.maximum(number, 1)
        steps = []
        for layer in reversed(graph.layers) if parts else graph.layers:
            before, after = graph.before[layer], graph.after[layer]
            to, of = (before, after) if parts else (after, before)
            order = np.argsort(to, kind="stable")
            to, of = to[order], of[order]
            starts = np.flatnonzero(np.diff(to, prepend=-1))
            steps.append((to[starts], starts, of, rate[of]))
        return steps, np.where(number > 0, 1 - share, 1.0)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"competence": self.mastery, "learning_progress": self.progress}

    @override
    def learn(self, batch: Batch) -> None:
        where = self.windows.push(batch)
        self.mastery[where] = self.windows.mean(where)
        self.progress[where] = np.abs(self.windows.slope(where))
        if self.graph.small:
            self._weakest = None
        elif self._weakest is not None:
            units = self.graph.follow(self.mastery, self._weakest, where)
            self._ready[units] = self._weakest[units] ** self.options.power
            parts = self.graph.parts_of(where)
            self._least_use[parts] = self.graph.least_use(self.mastery, parts)

    @override
    def refresh(self) -> None:
        self._weakest = None
        self.invalidate()
