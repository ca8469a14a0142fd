"""TSCL: the teacher follows the change of each task's score, greedily with some exploration.

Matiisen, Oliver, Cohen and Schulman 2017, "Teacher-Student Curriculum Learning", arXiv 1707.00183.
Progress counts by size, so that forgetting draws attention too; a task that was never tried has
progress 1, the most there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..pickers import Best, greedy
from ..pool import Pool
from ..signals.averages import toward
from ..signals.windows import Windows
from ..state import Array, IntArray


class TSCLOnline(Base):
    """Q moves by `rate` to the change of score since the task's last visit; greedy on |Q|.

    Several groups of one task in a step are one visit with their mean score.
    """

    name = "tscl_online"
    family = "learning progress"
    paper = "Matiisen et al. 2017, arXiv 1707.00183"
    order_free = True
    reaches_all = True
    rows = ("quality", "score", "tried")

    def __init__(
        self, pool: Pool | Sequence[str], seed: int = 0, rate: float = 0.1, epsilon: float = 0.1
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(rate=rate)
        checks.inside(epsilon=epsilon)
        self.rate, self.epsilon = rate, epsilon
        number = len(self.units)
        self.quality, self.score = np.ones(number), np.zeros(number)
        self.tried = np.zeros(number)

    def weights(self) -> Array:
        """Greedy with exploration."""
        return greedy(np.abs(self.quality), self.epsilon)

    def by_unit(self) -> Mapping[str, Array]:
        """What is believed of each unit."""
        return {"competence": self.score, "learning_progress": np.abs(self.quality)}

    def learn(self, batch: Batch) -> None:
        """The first score of a task has no change, so optimism ends there."""
        at, mean, _ = batch.pooled()
        again = self.tried[at] > 0
        self.quality[at[~again]] = 0.0
        change = mean[again] - self.score[at[again]]
        toward(self.quality, at[again], change, self.rate, np.ones(len(change)))
        self.score[at], self.tried[at] = mean, 1.0


class TSCLWindow(Base):
    """Greedy on the slope of the last `window` scores over learner steps, by least squares."""

    name = "tscl_window"
    family = "learning progress"
    paper = "Matiisen et al. 2017, arXiv 1707.00183"
    reaches_all = True
    rows = ("slope",)
    saved = ("windows",)

    def __init__(
        self, pool: Pool | Sequence[str], seed: int = 0, window: int = 10, epsilon: float = 0.1
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(window=window)
        checks.inside(epsilon=epsilon)
        self.epsilon = epsilon
        self.windows = Windows(self.units, window)
        self.slope = np.ones(len(self.units))

    def weights(self) -> Array:
        """Greedy with exploration."""
        return greedy(np.abs(self.slope), self.epsilon)

    def learn(self, batch: Batch) -> None:
        """Fit again the tasks that came back."""
        where = self.windows.push(batch)
        self.slope[where] = self.windows.slope(where)


class TSCLThompson(Best):
    """Of each task one of its last `window` changes of score is drawn; the largest are practised.

    The paper draws one task a step; a batch here holds the k tasks with the largest drawn changes.
    """

    name = "tscl_thompson"
    family = "learning progress"
    paper = "Matiisen et al. 2017, arXiv 1707.00183"
    order_free = True
    rows = ("changes", "score", "visits")

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0, window: int = 10) -> None:
        super().__init__(pool, seed)
        checks.positive(window=window)
        number = len(self.units)
        self.changes = np.ones((number, window))
        self.score, self.visits = np.zeros(number), np.zeros(number, dtype=np.int64)

    def scores(self, noise: np.random.Generator, k: int) -> Array:
        """One remembered change of each task."""
        held = np.minimum(np.maximum(self.visits - 1, 1), self.changes.shape[1])
        chosen = (noise.random(len(held)) * held).astype(np.int64)
        return self.changes[np.arange(len(held)), chosen]

    def learn(self, batch: Batch) -> None:
        """Remember sizes of changes, the newest first; the first score has no change."""
        at, mean, _ = batch.pooled()
        again = self.visits[at] > 0
        self.changes[at[~again], 0] = 0.0
        self._remember(at[again], np.abs(mean[again] - self.score[at[again]]))
        self.score[at] = mean
        self.visits[at] += 1

    def _remember(self, at: IntArray, change: Array) -> None:
        rows = self.changes[at]
        rows[:, 1:] = rows[:, :-1].copy()
        rows[:, 0] = change
        self.changes[at] = rows
