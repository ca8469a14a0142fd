"""MoPPS: posteriors of pass rates, drawn to find prompts of middle difficulty without rollouts.

Qu et al. 2025, "Can Prompt Difficulty be Online Predicted for Accelerating RL Finetuning of
Reasoning Models?", arXiv 2507.04632.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..batch import Batch
from ..pickers import Best, candidates
from ..pool import Pool
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

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        decay: float = 0.5,
        target: float = 0.5,
        ratio: int = 16,
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(decay=decay, target=target)
        checks.positive(ratio=ratio)
        self.target, self.ratio = target, ratio
        self.posterior = Posterior(self.units, decay)

    def scores(self, noise: np.random.Generator, k: int) -> tuple[IntArray, Array]:
        """Nearness of drawn pass rates to the target."""
        where = candidates(len(self.units), self.ratio * k, noise)
        return where, -np.abs(self.posterior.draw(noise, where) - self.target)

    def learn(self, batch: Batch) -> None:
        """Count successes and failures."""
        self.posterior.update(batch)

    def by_unit(self) -> Mapping[str, Array]:
        """The pass rates that the posteriors expect."""
        return {"competence": self.posterior.mean()}
