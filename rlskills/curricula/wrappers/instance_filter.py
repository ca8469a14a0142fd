"""Instance filter: every unit is tried once, and only those of middle difficulty are kept for good.

The pass rate of a model's own rollouts as the measure of difficulty: Kimi Team 2025, "Kimi k1.5:
Scaling Reinforcement Learning with LLMs", arXiv 2501.12599.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from .. import checks
from ..base import normalised
from ..batch import Batch
from ..interface import Choice, Outcome
from ..pool import Pool
from ..state import Array
from .around import Reweighted, kept


class InstanceFilter(Reweighted):
    """First `groups` groups of every unit, not learned from; then `inner` over those in the band.

    A unit is kept when its mean reward in screening lies in [low, high]; if none does, all are.
    What the learner could not do at first is never practised, however it improves.
    """

    name = "instance_filter"
    family = "gate"
    paper = "Kimi Team 2025, arXiv 2501.12599"
    rows = ("seen", "sum")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        groups: int = 1,
        low: float = 0.1,
        high: float = 0.9,
    ) -> None:
        super().__init__(pool, seed, inner)
        checks.positive(groups=groups)
        checks.ordered(low, high)
        self.groups, self.low, self.high = groups, low, high
        self.seen, self.sum = np.zeros(len(self.units)), np.zeros(len(self.units))
        self.reaches_all = False

    @property
    def screening(self) -> bool:
        """Whether some unit has not been tried often enough."""
        return bool((self.seen < self.groups).any())

    def factor(self) -> Array:
        """One for units in the band."""
        mean = self.sum / np.maximum(self.seen, 1)
        return kept(((mean >= self.low) & (mean <= self.high)).astype(float))

    def chances(self) -> Array:
        """Units that are still to be tried, all alike; later those that are kept."""
        if self.screening:
            return normalised((self.seen < self.groups).astype(float))
        return super().chances()

    def choices(self, chosen: Sequence[int], prob: Sequence[float]) -> list[Choice]:
        """Tagged `screen` while units are tried."""
        made = super().choices(chosen, prob)
        return [replace(one, tag="screen") for one in made] if self.screening else made

    def learn(self, batch: Batch) -> None:
        """Count screening groups."""
        super().learn(batch)
        for at, mean, outcome in zip(batch.where, batch.means, batch.outcomes, strict=True):
            if outcome.choice.tag == "screen":
                self.seen[at] += 1
                self.sum[at] += mean

    def admit(self, outcome: Outcome) -> bool:
        """Screening is not learned from."""
        return outcome.choice.tag != "screen" and self.inner.admit(outcome)

    def metrics(self) -> Mapping[str, float]:
        """Also the share of units that are kept."""
        return {**super().metrics(), "kept": float((self.factor() > 0).mean())}
