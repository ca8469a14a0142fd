"""Box teachers: tasks are points of a box of parameters, and units may be laid out in a square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from typing_extensions import override

from ..errors import UserError
from .base import Base
from .batch import Batch
from .interface import Choice, Outcome
from .pool import BoxPool, Pool, needs_levels
from .state import Array


class BoxTeacher(Base):
    """Draws vectors of a `BoxPool`, or units that are laid out as points of a square.

    Inside, every direction is scaled to [0, 1]. Over a box, `draw` gives the points of the next
    tasks; `probabilities` has the single unit of the box. Over named units with levels, the level
    is the first direction and the position among the units of the level the second; `weights`
    gives how much each point is wanted.
    """

    family = "learning progress"
    information = "level labels"
    saved = ("noise",)

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0, **options: Any) -> None:
        self.noise = np.random.Generator(np.random.PCG64(seed))
        pool = Pool.of(pool)
        self.box = isinstance(pool, BoxPool)
        if isinstance(pool, BoxPool):
            self.information = "task parameters"
            self.low = np.array(pool.low, dtype=float)
            self.span = np.array(pool.high, dtype=float) - self.low
            self.points = np.full((1, len(self.low)), 0.5)
        else:
            needs_levels(pool, self.name)
            self.points = layout(pool)
        super().__init__(pool, seed, **options)

    def draw(self, k: int) -> Array:
        """Points of k tasks, (k, D); what is outside [0, 1] is moved to the nearest side."""
        return self.noise.random((k, self.points.shape[1]))

    def learn_points(self, points: Array, rates: Array) -> None:
        """Learn from mean pass rates (n,) at points (n, D)."""

    @override
    def sample(self, k: int) -> list[Choice]:
        if not self.box or k <= 0:
            return super().sample(k)
        points = self.low + self.span * np.clip(self.draw(k), 0.0, 1.0)
        self.on_sample([])
        return [Choice(self.units[0], tuple(point)) for point in points.tolist()]

    @override
    def checked(self, outcomes: Sequence[Outcome]) -> Batch:
        batch = super().checked(outcomes)
        if self.box and len(batch):
            self._check_inside([outcome.choice.params or () for outcome in batch.outcomes])
        return batch

    def _check_inside(self, tasks: Sequence[tuple[float, ...]]) -> None:
        size = len(self.low)
        for params in tasks:
            if len(params) != size:
                raise UserError(f"outcome at {params}, which is not in the box")
        away = np.abs((np.array(tasks, dtype=float) - self.low) / self.span - 0.5)
        outside = ~(away <= 0.5 + 1e-6).all(1)  # NaN is outside, too
        if outside.any():
            raise UserError(f"outcome at {tasks[int(outside.argmax())]}, which is not in the box")

    @override
    def learn(self, batch: Batch) -> None:
        if self.box:
            params = np.array([outcome.choice.params for outcome in batch.outcomes], dtype=float)
            points = (params - self.low) / self.span
        else:
            points = self.points[batch.where]
        self.learn_points(points, np.array(batch.means))

    @override
    def resize(self, pool: Pool | Sequence[str]) -> None:
        # What was learned belongs to the old layout.
        raise UserError(f"{self.name} cannot change its box; make a new curriculum")


class UniformBox(BoxTeacher):
    """All points of the box alike; the control of the box teachers."""

    name = "uniform_box"
    family = "control"
    order_free = True
    reaches_all = True


def layout(pool: Pool) -> Array:
    """Points (units, 2) in the unit square: level, and position among the units of that level."""
    members: dict[int, list[int]] = {}
    for i, unit in enumerate(pool.units):
        members.setdefault(pool.levels[unit], []).append(i)
    points = np.full((len(pool.units), 2), 0.5)
    for row, level in enumerate(sorted(members)):
        inside = members[level]
        points[inside, 0] = (row + 0.5) / len(members)
        points[inside, 1] = (np.arange(len(inside)) + 0.5) / len(inside)
    return points
