"""Learnability by posterior: p (1 - p), or what more samples would add, pass@N - p.

p (1 - p): Rutherford et al. 2024, "No Regrets: Investigating and Improving Regret Approximations
for Curriculum Discovery", arXiv 2408.15099; Foster et al. 2025, "Learning to Reason at the Frontier
of Learnability", arXiv 2502.12272. pass@N - p: the weight under which maximum-likelihood RL learns
from binary outcomes, Tajwar et al. 2026, "Maximum Likelihood Reinforcement Learning", arXiv
2602.02710. Both papers score by fresh rollouts; the posterior makes it free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..batch import Batch
from ..pickers import Best, candidates, gumbel, mixed
from ..pool import Pool
from ..signals.posterior import Posterior
from ..state import Array, IntArray


class LearnabilityThompson(Best):
    """k different units in proportion to p (1 - p), with p drawn from posteriors that forget.

    Drawn among `ratio` times k candidates; `epsilon` of the chances go to all of them alike.
    Posteriors keep `decay` of the evidence before a visit.
    """

    name = "learnability_thompson"
    family = "learnability"
    paper = "Rutherford et al. 2024, arXiv 2408.15099"
    order_free = True
    saved = ("posterior",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        decay: float = 0.5,
        epsilon: float = 0.1,
        ratio: int = 16,
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(decay=decay)
        checks.inside(epsilon=epsilon)
        checks.positive(ratio=ratio)
        self.epsilon, self.ratio = epsilon, ratio
        self.posterior = Posterior(self.units, decay)

    def learnability(self, p: Array) -> Array:
        """What a unit of pass rate p is worth."""
        return p * (1 - p)

    def scores(self, noise: np.random.Generator, k: int) -> tuple[IntArray, Array]:
        """Scores whose best k are draws without replacement."""
        where = candidates(len(self.units), self.ratio * k, noise)
        worth = self.learnability(self.posterior.draw(noise, where))
        return where, gumbel(mixed(worth, self.epsilon), noise)

    def by_unit(self) -> Mapping[str, Array]:
        """What is believed of each unit."""
        return {"competence": self.posterior.mean()}

    def learn(self, batch: Batch) -> None:
        """Count successes and failures."""
        self.posterior.update(batch)


class PassAtNThompson(LearnabilityThompson):
    """The same in proportion to pass@N - p = 1 - (1 - p)^N - p, which is largest near ln N / N."""

    name = "pass_at_n_thompson"
    paper = "Tajwar et al. 2026, arXiv 2602.02710"

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        decay: float = 0.5,
        epsilon: float = 0.1,
        ratio: int = 16,
        samples: int = 8,
    ) -> None:
        super().__init__(pool, seed, decay, epsilon, ratio)
        checks.positive(samples=samples)
        self.samples = samples

    def learnability(self, p: Array) -> Array:
        """What more samples would add."""
        return np.maximum(1 - (1 - p) ** self.samples - p, 0.0)
