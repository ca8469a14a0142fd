"""PLR: replay by the rank of a learning score, mixed with staleness.

Jiang, Grefenstette and Rocktäschel 2020, "Prioritized Level Replay", arXiv 2010.03934.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..pickers import ranked
from ..pool import Pool
from ..state import Array


class PLR(Base):
    """(1 - rho) (1 / rank)^(1 / beta) + rho staleness, over units seen; others uniformly.

    The score is the mean |advantage| of a unit's last step, equal scores share a rank; staleness is
    the time since the unit was drawn. A unit not seen yet comes up with the chance that is the
    share of such units, as in the paper's proportionate schedule.
    """

    name = "plr"
    family = "learnability"
    paper = "Jiang et al. 2020, arXiv 2010.03934"
    timed = True
    order_free = True
    rows = ("score", "seen", "last")

    def __init__(
        self, pool: Pool | Sequence[str], seed: int = 0, beta: float = 0.1, rho: float = 0.1
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(beta=beta)
        checks.fraction(rho=rho)
        self.beta, self.rho = beta, rho
        number = len(self.units)
        self.score, self.seen = np.zeros(number), np.zeros(number, dtype=bool)
        self.last = np.zeros(number, dtype=np.int64)
        self._ranked: Array | None = None

    def weights(self) -> Array:
        """Seen units by rank and age, in proportion to their number; the others alike."""
        seen = self.seen
        count, number = int(seen.sum()), len(seen)
        if not count:
            return np.ones(number)
        by_rank = self._ranked
        if by_rank is None:
            by_rank = ranked(self.score[seen], self.beta)
            by_rank = self._ranked = by_rank / by_rank.sum()
        ages = (self.step - self.last[seen]).astype(float)
        total = ages.sum()
        rho = self.rho if total > 0 else 0.0
        replay = (1 - rho) * by_rank + rho * ages / max(total, 1.0)
        if count == number:
            return replay
        chances = np.full(number, 1 / number)
        chances[seen] = replay * (count / number)
        return chances

    def noted(self, chosen: Sequence[int]) -> None:
        """Staleness goes by when a unit was drawn."""
        super().noted(chosen)
        self.last[chosen] = self.step

    def learn(self, batch: Batch) -> None:
        """The score of a unit is that of its last step."""
        at, score, _ = batch.pooled(batch.advantages())
        self.score[at], self.seen[at] = score, True
        self._ranked = None

    def refresh(self) -> None:
        """Ranks follow from scores."""
        self._ranked = None
        self.changed()
