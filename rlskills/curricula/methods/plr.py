"""PLR: replay by the rank of a learning score, mixed with staleness.

Jiang, Grefenstette and Rocktäschel 2020, "Prioritized Level Replay", arXiv 2010.03934.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..options import fraction, positive
from ..pickers import ranked, reordered
from ..state import Array


class PLR(Base):
    """(1 - rho) (1 / rank)^(1 / beta) + rho staleness, over units seen; others uniformly.

    The score is the mean |advantage| of a unit's last step, equal scores share a rank; staleness is
    the time since the unit was drawn. A unit not seen yet comes up with a probability equal
    to the share of such units, as in the paper's proportionate schedule.
    """

    name = "plr"
    family = "learnability"
    paper = "Jiang et al. 2020, arXiv 2010.03934"
    timed = True
    order_free = True
    rows = ("score", "seen", "last")

    @dataclass(frozen=True)
    class Options(Base.Options):
        beta: float = positive(0.1)
        """Temperature of the ranks; lower is greedier."""
        rho: float = fraction(0.1)
        """Weight of staleness among units that were seen."""

    options: Options

    @override
    def setup(self) -> None:
        number = len(self.units)
        self.score, self.seen = np.zeros(number), np.zeros(number, dtype=bool)
        self.last = np.zeros(number, dtype=np.int64)
        self._ranked: Array | None = None
        self._ordered: Array | None = None
        """Scores of the units seen, in rising order."""

    @override
    def weights(self) -> Array:
        count, number = int(self.seen.sum()), len(self.seen)
        if not count:
            return np.ones(number)
        seen = self.seen if count < number else slice(None)
        by_rank = self._ranked
        if by_rank is None:
            if self._ordered is None:
                self._ordered = np.sort(self.score[seen])
            by_rank = ranked(self.score[seen], self._ordered, self.options.beta)
            by_rank = self._ranked = by_rank / by_rank.sum()
        ages = (self.step - self.last[seen]).astype(float)
        total = ages.sum()
        rho = self.options.rho if total > 0 else 0.0
        replay = (1 - rho) * by_rank + rho * ages / max(total, 1.0)
        if count == number:
            return replay
        weights = np.full(number, 1 / number)
        weights[seen] = replay * (count / number)
        return weights

    @override
    def on_sample(self, chosen: Sequence[int]) -> None:
        super().on_sample(chosen)
        self.last[chosen] = self.step

    @override
    def learn(self, batch: Batch) -> None:
        at, score, _ = batch.pooled(batch.advantages())
        if self._ordered is not None:
            self._ordered = reordered(self._ordered, self.score[at[self.seen[at]]], score)
        self.score[at], self.seen[at] = score, True
        self._ranked = None

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"advantage": self.score}

    @override
    def refresh(self) -> None:
        self._ranked = self._ordered = None
        self.invalidate()
