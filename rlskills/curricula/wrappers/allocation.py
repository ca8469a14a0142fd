"""How many rollouts each group gets: more where outcomes are uncertain, at the same total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import checks
from ..batch import Batch
from ..interface import Choice
from ..pickers import allocate
from ..pool import Pool
from ..signals.posterior import Posterior
from .around import Around


class Allocated(Around):
    """Neyman's allocation over the choices of `inner`: rollouts in proportion to sqrt(p (1 - p)).

    p is the mean of a posterior that keeps `decay` of the evidence before a visit. Groups get
    between `low` and `high` rollouts, `mean` on average over a batch.
    """

    name = "allocated"
    family = "wrapper"
    paper = "Neyman 1934"

    saved = ("posterior",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        mean: int = 8,
        low: int = 4,
        high: int = 16,
        decay: float = 0.5,
    ) -> None:
        super().__init__(pool, seed, inner)
        checks.fraction(decay=decay)
        checks.bounds(low, mean, high)
        self.mean, self.low, self.high = mean, low, high
        self.posterior = Posterior(self.units, decay)

    def sample(self, k: int) -> list[Choice]:
        """The choices of `inner` with group sizes."""
        drawn = super().sample(k)
        if not drawn:
            return drawn
        where = np.array([self.index[one.unit] for one in drawn])
        spread = self.posterior.deviation(where)
        sizes = allocate(spread, self.mean * k, self.low, self.high).tolist()
        return [replace(one, rollouts=n) for one, n in zip(drawn, sizes, strict=True)]

    def learn(self, batch: Batch) -> None:
        """Count successes and failures."""
        super().learn(batch)
        self.posterior.update(batch)
