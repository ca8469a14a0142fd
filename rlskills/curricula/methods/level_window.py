"""Level windows: practise up to a bound that rises with success, and may fall again.

RLVE: Zeng et al. 2025, "RLVE: Scaling Up Reinforcement Learning for Language Models with Adaptive
Verifiable Environments", arXiv 2511.07317. Steps down: Stojanovski et al. 2025, "REASONING GYM:
Reasoning Environments for Reinforcement Learning with Verifiable Rewards", arXiv 2505.24760.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..groups import Groups
from ..pool import Pool
from ..state import Array, Stateful


class Track(Stateful):
    """The bound of each track and what was counted at it."""

    rows = ("bound", "groups", "sum")

    def __init__(self, names: Sequence[str]) -> None:
        self.keys = tuple(names)
        self.bound = np.zeros(len(self.keys), dtype=np.int64)
        self.groups = np.zeros(len(self.keys))
        self.sum = np.zeros(len(self.keys))


class LevelWindow(Base):
    """Levels within `width` below a bound that rises by one when the bound level is solved.

    A track (all units, or with `by="skills"` each set of skills) has a bound h, at first its lowest
    level. Tracks are drawn alike, then a level of {h - width + 1 .. h}, then a unit of it. Only
    groups at level h count; after `groups` of them the bound rises if their mean reward is at
    least `up`, and counting starts again. It never falls.
    """

    name = "level_window"
    family = "level stepper"
    paper = "Zeng et al. 2025 (RLVE), arXiv 2511.07317"
    information = "level labels"

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        width: int = 4,
        groups: int = 8,
        up: float = 0.9,
        by: str = "all",
    ) -> None:
        self._start(pool, seed, width, groups, (0.0, up), by)

    def _start(
        self,
        pool: Pool | Sequence[str],
        seed: int,
        width: int,
        groups: int,
        band: tuple[float, float],
        by: str,
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(width=width, groups=groups)
        checks.ordered(*band)
        checks.needs_levels(self.pool, self.name)
        self.width, self.groups, self.band = width, groups, band
        tracks = Groups(self.pool, by, self.name)
        self.of = tracks.of
        self.rank, self.tops = _ranks(self.pool, tracks)
        self.state = Track(tracks.names)
        counts = np.zeros((len(tracks.names), self.tops.max() + 1))
        np.add.at(counts, (self.of, self.rank), 1)
        self.size = np.maximum(counts, 1)

    saved = ("state",)

    def weights(self) -> Array:
        """Tracks alike, their open levels alike, units of a level alike."""
        bound = self.state.bound[:, None]
        rank = np.arange(self.size.shape[1])
        is_open = (rank <= bound) & (rank > bound - self.width)
        table = is_open / self.size / is_open.sum(1, keepdims=True)
        return table[self.of, self.rank]

    def learn(self, batch: Batch) -> None:
        """Count groups at a bound, and move it when there are enough."""
        state = self.state
        for at, mean in zip(batch.where, batch.means, strict=True):
            track = self.of[at]
            if self.rank[at] != state.bound[track]:
                continue
            state.groups[track] += 1
            state.sum[track] += mean
            if state.groups[track] >= self.groups:
                rate = state.sum[track] / state.groups[track]
                step = int(rate >= self.band[1]) - int(rate <= self.band[0] and self.band[0] > 0)
                state.bound[track] = np.clip(state.bound[track] + step, 0, self.tops[track])
                state.groups[track] = state.sum[track] = 0.0

    def metrics(self) -> Mapping[str, float]:
        """Also the mean bound over tracks, counted from level 1."""
        return {**super().metrics(), "bound": float(self.state.bound.mean()) + 1}


class LevelWindowDown(LevelWindow):
    """A level window whose bound also falls, after a share of successes of `down` or less.

    Thresholds and window are those of reasoning-gym: of the last `groups` groups at the bound, at
    least `up` right moves it up, at most `down` moves it down.
    """

    name = "level_window_down"
    paper = "Stojanovski et al. 2025 (reasoning-gym), arXiv 2505.24760"

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        width: int = 4,
        groups: int = 20,
        up: float = 0.7,
        down: float = 0.1,
        by: str = "all",
    ) -> None:
        self._start(pool, seed, width, groups, (down, up), by)


def _ranks(pool: Pool, tracks: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Place of each unit's level among the levels of its track, and the highest place."""
    found: list[set[int]] = [set() for _ in tracks.names]
    for unit, track in zip(pool.units, tracks.of, strict=True):
        found[track].add(pool.levels[unit])
    places = [{level: i for i, level in enumerate(sorted(levels))} for levels in found]
    ranks = [
        places[track][pool.levels[unit]] for unit, track in zip(pool.units, tracks.of, strict=True)
    ]
    return np.array(ranks), np.array([len(levels) - 1 for levels in found])
