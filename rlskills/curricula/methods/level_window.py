"""Level windows: practise up to a bound that rises with success, and may fall again.

RLVE: Zeng et al. 2025, "RLVE: Scaling Up Reinforcement Learning for Language Models with Adaptive
Verifiable Environments", arXiv 2511.07317. Steps down: Stojanovski et al. 2025, "REASONING GYM:
Reasoning Environments for Reinforcement Learning with Verifiable Rewards", arXiv 2505.24760.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..groups import Grouping, Groups
from ..options import ensure_band, fraction, positive
from ..pool import Pool, needs_levels
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
    groups at level h count; after `groups` of them the bound rises if their mean pass rate is at
    least `up`, and counting starts again. It never falls.
    """

    name = "level_window"
    family = "level stepper"
    paper = "Zeng et al. 2025 (RLVE), arXiv 2511.07317"
    information = "level labels"
    saved = ("state",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        width: int = positive(4)
        """Levels that are open at a time."""
        groups: int = positive(8)
        """Groups at the bound after which it may move."""
        up: float = fraction(0.9)
        """Mean pass rate from which the bound rises."""
        by: Grouping = "all"
        """What units share a bound: all, those of the same skills, those of a level, or none."""

    options: Options

    down: float = 0.0
    """Mean pass rate up to which the bound falls; 0: never."""

    @override
    def setup(self) -> None:
        needs_levels(self.pool, self.name)
        tracks = Groups(self.pool, self.options.by, self.name)
        self.of = tracks.of
        self.rank, self.tops = _ranks(self.pool, tracks)
        self.state = Track(tracks.names)
        counts = np.zeros((len(tracks.names), self.tops.max() + 1))
        np.add.at(counts, (self.of, self.rank), 1)
        self.size = np.maximum(counts, 1)

    @override
    def weights(self) -> Array:
        bound = self.state.bound[:, None]
        rank = np.arange(self.size.shape[1])
        is_open = (rank <= bound) & (rank > bound - self.options.width)
        table = is_open / self.size / is_open.sum(1, keepdims=True)
        return table[self.of, self.rank]

    @override
    def learn(self, batch: Batch) -> None:
        state, down = self.state, self.down
        for at, mean in zip(batch.where, batch.means, strict=True):
            track = self.of[at]
            if self.rank[at] != state.bound[track]:
                continue
            state.groups[track] += 1
            state.sum[track] += mean
            if state.groups[track] >= self.options.groups:
                rate = state.sum[track] / state.groups[track]
                step = int(rate >= self.options.up) - int(down > 0 and rate <= down)
                state.bound[track] = np.clip(state.bound[track] + step, 0, self.tops[track])
                state.groups[track] = state.sum[track] = 0.0

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"bound": float(self.state.bound.mean()) + 1}


class LevelWindowDown(LevelWindow):
    """A level window whose bound also falls, after a share of successes of `down` or less.

    Thresholds and window are those of reasoning-gym: of the last `groups` groups at the bound, at
    least `up` right moves it up, at most `down` moves it down.
    """

    name = "level_window_down"
    paper = "Stojanovski et al. 2025 (reasoning-gym), arXiv 2505.24760"

    @dataclass(frozen=True)
    class Options(LevelWindow.Options):
        groups: int = positive(20)
        """Groups at the bound after which it may move."""
        up: float = fraction(0.7)
        """Mean pass rate from which the bound rises."""
        down: float = fraction(0.1)
        """Mean pass rate up to which the bound falls; 0: never."""

        @override
        def __post_init__(self) -> None:
            super().__post_init__()
            ensure_band(self.down, self.up)

    options: Options  # pyright: ignore[reportIncompatibleVariableOverride]

    @override
    def setup(self) -> None:
        super().setup()
        self.down = self.options.down


def _ranks(pool: Pool, tracks: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each unit's level among the levels of its track, and each track's highest rank."""
    known: list[set[int]] = [set() for _ in tracks.names]
    for unit, track in zip(pool.units, tracks.of, strict=True):
        known[track].add(pool.levels[unit])
    rank_of = [{level: i for i, level in enumerate(sorted(levels))} for levels in known]
    ranks = [
        rank_of[track][pool.levels[unit]] for unit, track in zip(pool.units, tracks.of, strict=True)
    ]
    return np.array(ranks), np.array([len(levels) - 1 for levels in known])
