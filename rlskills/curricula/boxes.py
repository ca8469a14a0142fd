"""Teachers of parameters: tasks are points of a box, and units may be laid out in one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import UserError
from . import checks
from .base import Base
from .batch import Batch
from .interface import Choice, Outcome
from .pool import BoxPool, Pool
from .state import Array


class BoxTeacher(Base):
    """Draws vectors of a `BoxPool`, or units that are laid out as points of a square.

    Inside, every direction is scaled to [0, 1]. Over a box, `draw` says where the next tasks lie;
    `probabilities` has the one unit of the box. Over named units with levels, level is one
    direction and the place among the units of a level the other; `weights` says how much each point
    is wanted.
    """

    family = "learning progress"
    information = "level labels"
    saved = ("noise",)

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0) -> None:
        super().__init__(pool, seed)
        self.noise = np.random.Generator(np.random.PCG64(seed))
        self.box = isinstance(self.pool, BoxPool)
        if isinstance(self.pool, BoxPool):
            self.information = "task parameters"
            self.low = np.array(self.pool.low, dtype=float)
            self.span = np.array(self.pool.high, dtype=float) - self.low
            self.points = np.full((1, len(self.low)), 0.5)
        else:
            checks.needs_levels(self.pool, self.name)
            self.points = layout(self.pool)

    def draw(self, k: int) -> Array:
        """Where k tasks lie, (k, D); what is outside [0, 1] is taken to the nearest side."""
        return self.noise.random((k, self.points.shape[1]))

    def take(self, where: Array, rewards: Array) -> None:
        """Learn from mean rewards at points (n, D)."""

    def sample(self, k: int) -> list[Choice]:
        """Vectors over a box, units otherwise."""
        if not self.box or k <= 0:
            return super().sample(k)
        places = self.low + self.span * np.clip(self.draw(k), 0.0, 1.0)
        self.noted([])
        unit, step = self.units[0], self.step
        return [Choice(unit, 1.0, step, tuple(place)) for place in places.tolist()]

    def checked(self, outcomes: Sequence[Outcome]) -> Batch:
        """Over a box, each outcome must say where in it the task was."""
        batch = super().checked(outcomes)
        if self.box:
            for one in batch.outcomes:
                params = np.array(one.choice.params or (), dtype=float)
                inside = params.shape == self.low.shape and np.isfinite(params).all()
                if not (
                    inside and (abs((params - self.low) / self.span - 0.5) <= 0.5 + 1e-6).all()
                ):
                    raise UserError(f"outcome at {one.choice.params}, which is not in the box")
        return batch

    def learn(self, batch: Batch) -> None:
        """Points and mean rewards."""
        if self.box:
            places = np.array([one.choice.params for one in batch.outcomes], dtype=float)
            where = (places - self.low) / self.span
        else:
            where = self.points[batch.where]
        self.take(where, np.array(batch.means))

    def resize(self, pool: Pool | Sequence[str]) -> None:
        """Refused: what was learned belongs to the old layout."""
        raise UserError(f"{self.name} cannot change its box; make a new curriculum")


class UniformBox(BoxTeacher):
    """Points of the box alike; the control of the teachers of parameters."""

    name = "uniform_box"
    family = "control"
    order_free = True
    reaches_all = True


def layout(pool: Pool) -> Array:
    """Points (units, 2) in the unit square: level, and place among the units of that level."""
    members: dict[int, list[int]] = {}
    for i, unit in enumerate(pool.units):
        members.setdefault(pool.levels[unit], []).append(i)
    points = np.full((len(pool.units), 2), 0.5)
    for row, level in enumerate(sorted(members)):
        inside = members[level]
        points[inside, 0] = (row + 0.5) / len(members)
        points[inside, 1] = (np.arange(len(inside)) + 0.5) / len(inside)
    return points
