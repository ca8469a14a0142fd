"""RIAC: a box cut into regions of different learning progress.

Baranes and Oudeyer 2009, "R-IAC: Robust Intrinsically Motivated Exploration and Active Learning",
IEEE Transactions on Autonomous Mental Development 1(3); proportions after Portelas et al. 2019,
arXiv 1910.07224.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from typing_extensions import override

from ..base import Base
from ..boxes import BoxTeacher
from ..options import positive
from ..pickers import mixed
from ..state import Array, IntArray


class RIAC(BoxTeacher):
    """Regions by |mean pass rate of the newer half - of the older half| of their last tasks.

    A region that holds `most` tasks is cut in two: of 50 random cuts, each side with 1/20 of the
    tasks and 1/15 of the box at least, the one with the largest n_1 n_2 |ALP_1 - ALP_2|; without a
    valid cut it forgets its oldest quarter. Only uncut regions are drawn: 7 of 10 tasks uniformly
    in a region drawn by ALP, 1 near the region's hardest task (deviation .1), 2 anywhere.
    """

    name = "riac"
    version = 2
    paper = "Baranes and Oudeyer 2009, IEEE TAMD 1(3)"
    reaches_all = True
    saved = ("regions",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        most: int = positive(200)
        """Tasks in a region at which it is cut; at least 4."""

    options: Options

    @override
    def setup(self) -> None:
        self.most = max(self.options.most, 4)
        size = self.points.shape[1]
        self.regions: list[dict[str, Any]] = [region([0.0] * size, [1.0] * size, [])]
        self._owner: IntArray | None = None
        self._sides: tuple[Array, Array] | None = None
        self._unit_at = {tuple(point): i for i, point in enumerate(self.points.tolist())}

    @override
    def learn_points(self, points: Array, rates: Array) -> None:
        touched: dict[int, dict[str, Any]] = {}
        which = self.region_of(points).tolist()
        for n, row in enumerate(np.column_stack([points, rates]).tolist()):
            mine = self.regions[which[n]]
            mine["tasks"].append(row)
            if not mine["hardest"] or row[-1] < mine["hardest"][-1]:
                mine["hardest"] = row
            touched[id(mine)] = mine
            if len(mine["tasks"]) >= self.most:
                self.regions[which[n] : which[n] + 1] = self._cut(mine)
                self._sides = self._owner = None
                which[n + 1 :] = self.region_of(points[n + 1 :]).tolist()
        for mine in touched.values():
            mine["progress"] = progress(mine["tasks"])

    def region_of(self, points: Array) -> IntArray:
        """Index of the region of each point (n, D); the first of two that share a side."""
        low, high = self.sides()
        inside = (points[:, None] >= low) & (points[:, None] <= high)
        return inside.all(2).argmax(1)

    def sides(self) -> tuple[Array, Array]:
        """Lower and upper corners of all regions, each (regions, D)."""
        if self._sides is None:
            low = np.array([part["low"] for part in self.regions])
            self._sides = (low, np.array([part["high"] for part in self.regions]))
        return self._sides

    def _cut(self, old: dict[str, Any]) -> list[dict[str, Any]]:
        best: tuple[float, list[dict[str, Any]]] = (-1.0, [])
        points = np.array(old["tasks"])
        for _ in range(50):
            axis = int(self.noise.integers(len(old["low"])))
            low, high = old["low"][axis], old["high"][axis]
            at = float(self.noise.uniform(low, high))
            below = int(np.count_nonzero(points[:, axis] <= at))
            sizes = (below, len(points) - below)
            if min(sizes) < self.most / 20 or min(at - low, high - at) < 1 / 15:
                continue
            sides = halves(old, axis, at)
            worth = sizes[0] * sizes[1] * abs(sides[0]["progress"] - sides[1]["progress"])
            if worth > best[0]:
                best = (worth, sides)
        return best[1] or [region(old["low"], old["high"], old["tasks"][len(old["tasks"]) // 4 :])]

    def _by_progress(self) -> Array:
        return mixed(np.array([part["progress"] for part in self.regions]), 0.0)

    @override
    def draw(self, k: int) -> Array:
        points = super().draw(k)
        way = self.noise.random(k)
        bars = np.cumsum(self._by_progress())[:-1]
        which = np.searchsorted(bars, self.noise.random(k), side="right")
        jitter = 0.1 * self.noise.standard_normal(points.shape)
        low, high = self.sides()
        within = low[which] + (high[which] - low[which]) * points
        points = np.where((way < 0.7)[:, None], within, points)
        for i in np.flatnonzero((way >= 0.7) & (way < 0.8)).tolist():
            mine = self.regions[int(which[i])]
            if mine["hardest"]:
                points[i] = np.array(mine["hardest"][:-1]) + jitter[i]
        return points

    @override
    def weights(self) -> Array:
        # The same over units: those of a region alike, or its hardest unit.
        if self.box:
            return np.ones(1)
        if self._owner is None:
            self._owner = self.region_of(self.points)
        shares, owner = self._by_progress(), self._owner
        size = np.bincount(owner, minlength=len(shares))
        wanted = 0.7 * shares[owner] / size[owner]
        for share, mine in zip(shares.tolist(), self.regions, strict=True):
            if share and mine["hardest"]:
                wanted[self._unit_at[tuple(mine["hardest"][:-1])]] += 0.1 * share
        return mixed(wanted, 0.2)

    @override
    def refresh(self) -> None:
        self._sides = self._owner = None
        self.invalidate()

    @override
    def own_metrics(self) -> Mapping[str, float]:
        best = max(part["progress"] for part in self.regions)
        return {"regions": float(len(self.regions)), "best_progress": best}


def region(low: list[float], high: list[float], tasks: list[list[float]]) -> dict[str, Any]:
    """A part of the box: its tasks (point and pass rate, oldest first), their progress, the hardest
    of them (the oldest of equals)."""
    hardest = min(tasks, key=lambda row: row[-1], default=[])
    return {"low": low, "high": high, "tasks": tasks, "progress": progress(tasks),
            "hardest": hardest}  # fmt: skip


def progress(tasks: Sequence[Sequence[float]]) -> float:
    """|mean pass rate of the newer half - that of the older half|; 0 for a single task."""
    half = len(tasks) // 2
    if not half:
        return 0.0
    older, newer = tasks[: len(tasks) - half], tasks[len(tasks) - half :]
    return abs(sum(row[-1] for row in newer) / half - sum(row[-1] for row in older) / len(older))


def halves(old: Mapping[str, Any], axis: int, at: float) -> list[dict[str, Any]]:
    """The two regions that a cut leaves."""
    below = [row for row in old["tasks"] if row[axis] <= at]
    above = [row for row in old["tasks"] if row[axis] > at]
    low, high = list(old["low"]), list(old["high"])
    low[axis] = high[axis] = at
    return [region(list(old["low"]), high, below), region(low, list(old["high"]), above)]
