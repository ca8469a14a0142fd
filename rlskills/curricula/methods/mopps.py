"""MoPPS: posteriors of pass rates, drawn to find prompts of middle difficulty without rollouts.

Qu et al. 2025, "Can Prompt Difficulty be Online Predicted for Accelerating RL Finetuning of
Reasoning Models?", arXiv 2507.04632.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..options import fraction, positive
from ..pickers import Best, candidates
from ..signals.posterior import Posterior
from ..state import Array, IntArray


class MoPPS(Best):
    """Of `ratio` times k candidates, the k whose drawn pass rate is nearest to `target`.

    Posteriors are Beta(1, 1) at first; a visit keeps `decay` of the evidence before it. With decay
    1 they freeze and follow a learner too slowly.
    """

    name = "mopps"
    family = "learnability"
    paper = "Qu et al. 2025, arXiv 2507.04632"
    order_free = True
    saved = ("posterior",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        decay: float = fraction(0.5)
        """Share of the evidence before a visit that a posterior keeps."""
        target: float = fraction(0.5)
        """Pass rate that is wanted."""
        ratio: int = positive(16)
        """Candidates per unit of the batch."""

    options: Options

    @override
    def setup(self) -> None:
        self.posterior = Posterior(self.units, self.options.decay)

    @override
    def scores(self, noise: np.random.Generator, k: int) -> tuple[IntArray, Array]:
        where = candidates(len(self.units), self.options.ratio * k, noise)
        return where, -np.abs(self.posterior.draw(noise, where) - self.options.target)

    @override
    def learn(self, batch: Batch) -> None:
        self.posterior.update(batch)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"competence": self.posterior.mean()}
