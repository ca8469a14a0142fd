"""Mastering rate: attention to units whose parts are mastered and whose uses are not yet.

Willems, Lahlou and Bengio 2020, "Mastering Rate based Curriculum Learning", arXiv 2008.06456.
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
from ..signals.windows import Windows
from ..state import Array, IntArray

DENSE = 512


class MasteringRate(Base):
    """Attention by mastering rate and progress, handed on along the graph.

    m is the mean of the last `window` group means, LP the size of their slope over learner steps.
    Attention of a unit: (lowest m of its ancestors)^power [(1 - gamma) LP / max LP + gamma (1 - m)]
    (1 - lowest m of what it is a part of). Each unit, those built on most first, then hands
    `to_parts` of its attention to its parts, and afterwards `to_uses` to what it is a part of.
    `epsilon` of the draws go to all units alike. The term gamma (1 - m) takes it that every unit
    without parts can be learned.
    """

    name = "mastering_rate"
    family = "learning progress"
    paper = "Willems et al. 2020, arXiv 2008.06456"
    information = "prerequisite graph"
    reaches_all = True
    rows = ("mastery", "progress")
    saved = ("windows",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        window: int = 10,
        power: float = 6.0,
        gamma: float = 0.5,
        to_parts: float = 0.2,
        to_uses: float = 0.05,
        epsilon: float = 0.1,
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(window=window, power=power)
        checks.fraction(gamma=gamma, to_parts=to_parts, to_uses=to_uses)
        checks.inside(epsilon=epsilon)
        self.power, self.gamma, self.epsilon = power, gamma, epsilon
        self.graph = Graph(self.pool, self.name)
        self.windows = Windows(self.units, window)
        number = len(self.units)
        self.mastery, self.progress = np.zeros(number), np.zeros(number)
        self._ways = [self._way(True, to_parts), self._way(False, to_uses)]
        self._matrix: Array | None = None
        if number <= DENSE:  # for small pools the whole of handing on is one matrix
            self._matrix = np.array([self._hand_on(row) for row in np.eye(number)]).T

    def attention(self) -> Array:
        """What each unit is wanted before anything is handed on."""
        most = self.progress.max()
        moving = self.progress / most if most > 0 else self.progress
        own = (1 - self.gamma) * moving + self.gamma * (1 - self.mastery)
        least = np.ones(len(self.units))
        np.minimum.at(least, self.graph.before, self.mastery[self.graph.after])
        least[self.graph.uses == 0] = 0.0
        ready = self.graph.weakest_part(self.mastery) ** self.power
        return ready * own * (1 - least)

    def weights(self) -> Array:
        """Attention, handed on, over a uniform share."""
        own = self.attention()
        handed = self._hand_on(own) if self._matrix is None else self._matrix @ own
        return mixed(handed, self.epsilon)

    def _hand_on(self, attention: Array) -> Array:
        """To parts from the last layer down, then to uses from the first layer up."""
        total = attention.copy()
        for steps, kept in self._ways:
            for to, of, share in steps:
                np.add.at(total, to, total[of] * share)
            total *= kept
        return total

    def _way(
        self, parts: bool, share: float
    ) -> tuple[list[tuple[IntArray, IntArray, Array]], Array]:
        """Layer by layer who gets from whom and how much of it, and what is kept at the end."""
        graph = self.graph
        number = graph.parts if parts else graph.uses
        rate = share / np.maximum(number, 1)
        steps = []
        for layer in reversed(graph.layers) if parts else graph.layers:
            before, after = graph.before[layer], graph.after[layer]
            to, of = (before, after) if parts else (after, before)
            steps.append((to, of, rate[of]))
        return steps, np.where(number > 0, 1 - share, 1.0)

    def by_unit(self) -> Mapping[str, Array]:
        """What is believed of each unit."""
        return {"competence": self.mastery, "learning_progress": self.progress}

    def learn(self, batch: Batch) -> None:
        """Mastery and progress of what came back, and the readiness of what builds on it."""
        where = self.windows.push(batch)
        self.mastery[where] = self.windows.mean(where)
        self.progress[where] = np.abs(self.windows.slope(where))
