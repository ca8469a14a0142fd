"""Learnability by posterior: p (1 - p), or what more samples would add, pass@N - p.

p (1 - p): Rutherford et al. 2024, "No Regrets: Investigating and Improving Regret Approximations
for Curriculum Discovery", arXiv 2408.15099; Foster et al. 2025, "Learning to Reason at the Frontier
of Learnability", arXiv 2502.12272. pass@N - p: the weight under which maximum-likelihood RL learns
from binary outcomes, Tajwar et al. 2026, "Maximum Likelihood Reinforcement Learning", arXiv
2602.02710. Both papers score by fresh rollouts; the posterior makes it free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..options import fraction, inside, positive
from ..pickers import Best, candidates, gumbel, mixed
from ..signals.posterior import Posterior
from ..state import Array, IntArray


class LearnabilityThompson(Best):
    """k different units in proportion to p (1 - p), with p drawn from posteriors that forget.

    Drawn among `ratio` times k candidates; `epsilon` of the probability goes to all of them alike.
    Posteriors keep `decay` of the evidence before a visit.
    """

    name = "learnability_thompson"
    family = "learnability"
    paper = "Rutherford et al. 2024, arXiv 2408.15099"
    order_free = True
    saved = ("posterior",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        decay: float = fraction(0.5)
        """Share of the evidence before a visit that a posterior keeps."""
        epsilon: float = inside(0.1)
        """Share of the draws that goes to all candidates alike."""
        ratio: int = positive(16)
        """Candidates per unit of the batch."""

    options: Options

    @override
    def setup(self) -> None:
        self.posterior = Posterior(self.units, self.options.decay)

    def learnability(self, p: Array) -> Array:
        """What a unit of pass rate p is worth."""
        return p * (1 - p)

    @override
    def scores(self, noise: np.random.Generator, k: int) -> tuple[IntArray, Array]:
        where = candidates(len(self.units), self.options.ratio * k, noise)
        worth = self.learnability(self.posterior.draw(noise, where))
        return where, gumbel(mixed(worth, self.options.epsilon), noise)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"competence": self.posterior.mean()}

    @override
    def learn(self, batch: Batch) -> None:
        self.posterior.update(batch)


class PassAtNThompson(LearnabilityThompson):
    """The same in proportion to pass@N - p = 1 - (1 - p)^N - p, which is largest near ln N / N."""

    name = "pass_at_n_thompson"
    paper = "Tajwar et al. 2026, arXiv 2602.02710"

    @dataclass(frozen=True)
    class Options(LearnabilityThompson.Options):
        samples: int = positive(8)
        """The N of pass@N."""

    options: Options  # pyright: ignore[reportIncompatibleVariableOverride]

    @override
    def learnability(self, p: Array) -> Array:
        return np.maximum(1 - (1 - p) ** self.options.samples - p, 0.0)
