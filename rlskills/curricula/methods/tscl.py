"""TSCL: the teacher follows the change of each task's score, greedily with some exploration.

Matiisen, Oliver, Cohen and Schulman 2017, "Teacher-Student Curriculum Learning", arXiv 1707.00183.
Progress counts by size, so that forgetting draws attention too; a task that was never tried has
progress 1, the most there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..options import fraction, inside, positive
from ..pickers import Best, greedy
from ..signals.averages import toward
from ..signals.windows import Windows
from ..state import Array, IntArray


class TSCLOnline(Base):
    """Q moves by `rate` to the change of score since the task's last visit; greedy on |Q|.

    Several groups of a task in a step are a single visit with their mean score.
    """

    name = "tscl_online"
    family = "learning progress"
    paper = "Matiisen et al. 2017, arXiv 1707.00183"
    order_free = True
    reaches_all = True
    rows = ("quality", "score", "tried")

    @dataclass(frozen=True)
    class Options(Base.Options):
        rate: float = fraction(0.1)
        """How far Q moves to the newest change of score."""
        epsilon: float = inside(0.1)
        """Share of the draws that goes to all units alike."""

    options: Options

    @override
    def setup(self) -> None:
        number = len(self.units)
        self.quality, self.score = np.ones(number), np.zeros(number)
        self.tried = np.zeros(number)

    @override
    def weights(self) -> Array:
        return greedy(np.abs(self.quality), self.options.epsilon)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"competence": self.score, "learning_progress": np.abs(self.quality)}

    @override
    def learn(self, batch: Batch) -> None:
        at, mean, _ = batch.pooled()
        again = self.tried[at] > 0  # a first score has no change, so optimism ends there
        self.quality[at[~again]] = 0.0
        change = mean[again] - self.score[at[again]]
        toward(self.quality, at[again], change, self.options.rate, np.ones(len(change)))
        self.score[at], self.tried[at] = mean, 1.0


class TSCLWindow(Base):
    """Greedy on the slope of the last `window` scores over trainer steps, by least squares."""

    name = "tscl_window"
    family = "learning progress"
    paper = "Matiisen et al. 2017, arXiv 1707.00183"
    reaches_all = True
    rows = ("slope",)
    saved = ("windows",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        window: int = positive(10)
        """Scores kept of each unit."""
        epsilon: float = inside(0.1)
        """Share of the draws that goes to all units alike."""

    options: Options

    @override
    def setup(self) -> None:
        self.windows = Windows(self.units, self.options.window)
        self.slope = np.ones(len(self.units))

    @override
    def weights(self) -> Array:
        return greedy(np.abs(self.slope), self.options.epsilon)

    @override
    def learn(self, batch: Batch) -> None:
        where = self.windows.push(batch)
        self.slope[where] = self.windows.slope(where)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"learning_progress": np.abs(self.slope)}


class TSCLThompson(Best):
    """Draws one of the last `window` changes of score of each task; the largest are practised.

    The paper draws one task per step; here a batch is the k tasks with the largest drawn changes.
    """

    name = "tscl_thompson"
    family = "learning progress"
    paper = "Matiisen et al. 2017, arXiv 1707.00183"
    order_free = True
    rows = ("changes", "score", "visits")

    @dataclass(frozen=True)
    class Options(Base.Options):
        window: int = positive(10)
        """Changes of score kept of each unit."""

    options: Options

    @override
    def setup(self) -> None:
        number = len(self.units)
        self.changes = np.ones((number, self.options.window))
        self.score, self.visits = np.zeros(number), np.zeros(number, dtype=np.int64)
        self._rows = np.arange(number) * self.options.window

    @override
    def scores(self, noise: np.random.Generator, k: int) -> Array:
        # `take` of the flat table is faster than a look-up by row and column.
        chosen = (noise.random(len(self.units)) * self._held()).astype(np.int64)
        return self.changes.ravel().take(self._rows + chosen)

    def _held(self) -> IntArray:
        """How many changes of each unit are remembered; one that was never tried has one, of 1."""
        return np.clip(self.visits - 1, 1, self.changes.shape[1])

    @override
    def learn(self, batch: Batch) -> None:
        at, mean, _ = batch.pooled()
        again = self.visits[at] > 0  # a first score has no change
        self.changes[at[~again], 0] = 0.0
        self._remember(at[again], np.abs(mean[again] - self.score[at[again]]))
        self.score[at] = mean
        self.visits[at] += 1

    @override
    def by_unit(self) -> Mapping[str, Array]:
        held = self._held()
        filled = np.arange(self.changes.shape[1]) < held[:, None]
        progress = np.where(filled, self.changes, 0.0).sum(1) / held
        return {"competence": self.score, "learning_progress": progress}

    def _remember(self, at: IntArray, change: Array) -> None:
        rows = self.changes[at]
        rows[:, 1:] = rows[:, :-1].copy()
        rows[:, 0] = change
        self.changes[at] = rows
