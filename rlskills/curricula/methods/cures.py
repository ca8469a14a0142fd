"""CurES: prompts by the deviation of their reward, and more rollouts where it is larger.

Zeng et al. 2025, "CurES: From Gradient Analysis to Efficient Curriculum Learning for Reasoning
LLMs", arXiv 2510.01037.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..interface import Choice
from ..pickers import allocate, softmax
from ..pool import Pool
from ..signals.posterior import Posterior
from ..state import Array


class CurES(Base):
    """exp(sqrt(p (1 - p)) / temperature), rollouts in a batch in proportion to sqrt(p (1 - p)).

    p is the mean of a Beta posterior that keeps `decay` of the evidence before a visit. A group
    gets `low` to `high` rollouts, `mean` on average over a batch. The paper's weights also hold
    gradient norms of right and wrong answers; taken as equal, they leave this.
    """

    name = "cures"
    family = "allocation"
    paper = "Zeng et al. 2025, arXiv 2510.01037"
    order_free = True
    reaches_all = True
    saved = ("posterior",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        temperature: float = 0.1,
        decay: float = 0.5,
        mean: int = 8,
        low: int = 4,
        high: int = 16,
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(temperature=temperature)
        checks.fraction(decay=decay)
        checks.bounds(low, mean, high)
        self.temperature, self.mean, self.low, self.high = temperature, mean, low, high
        self.posterior = Posterior(self.units, decay)

    def weights(self) -> Array:
        """More for uncertain units."""
        return softmax(self.posterior.deviation(), self.temperature)

    def choices(self, chosen: Sequence[int], prob: Sequence[float]) -> list[Choice]:
        """With group sizes."""
        spread = self.posterior.deviation(np.array(chosen))
        sizes = allocate(spread, self.mean * len(chosen), self.low, self.high).tolist()
        return [
            Choice(self.units[i], p, self.step, None, n)
            for i, p, n in zip(chosen, prob, sizes, strict=True)
        ]

    def by_unit(self) -> Mapping[str, Array]:
        """What is believed of each unit."""
        return {"competence": self.posterior.mean()}

    def learn(self, batch: Batch) -> None:
        """Count successes and failures."""
        self.posterior.update(batch)
