"""Instance filter: every unit is tried once, and only those of middle difficulty are used further.

The pass rate of a model's own rollouts as the measure of difficulty: Kimi Team 2025, "Kimi k1.5:
Scaling Reinforcement Learning with LLMs", arXiv 2501.12599.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from typing_extensions import override

from ..base import Base, normalised
from ..batch import Batch
from ..interface import Choice, Outcome
from ..options import ensure_band, positive
from ..state import Array
from .around import Reweighted, only


class InstanceFilter(Reweighted):
    """First `groups` groups of every unit, not learned from; then `inner` over those in the band.

    A unit is kept when its mean pass rate in screening lies in [low, high]; if none does, all are.
    What the learner could not do at first is never practised, however it improves.
    """

    name = "instance_filter"
    family = "gate"
    paper = "Kimi Team 2025, arXiv 2501.12599"
    rows = ("seen", "sum")

    @dataclass(frozen=True)
    class Options(Base.Options):
        groups: int = positive(1)
        """Screening groups of each unit."""
        low: float = 0.1
        """Lowest mean pass rate that is kept."""
        high: float = 0.9
        """Highest mean pass rate that is kept."""

        @override
        def __post_init__(self) -> None:
            super().__post_init__()
            ensure_band(self.low, self.high)

    options: Options

    @override
    def setup(self) -> None:
        self.seen, self.sum = np.zeros(len(self.units)), np.zeros(len(self.units))
        self.reaches_all = False

    @property
    def screening(self) -> bool:
        """Whether some unit has not been tried often enough."""
        return bool((self.seen < self.options.groups).any())

    @override
    def factor(self) -> Array:
        mean = self.sum / np.maximum(self.seen, 1)
        return only(((mean >= self.options.low) & (mean <= self.options.high)).astype(float))

    @override
    def unit_probabilities(self) -> Array:
        if self.screening:
            return normalised((self.seen < self.options.groups).astype(float))
        return super().unit_probabilities()

    @override
    def choices(self, chosen: Sequence[int]) -> list[Choice]:
        choices = super().choices(chosen)
        return [replace(c, tag="screen") for c in choices] if self.screening else choices

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        for at, mean, outcome in zip(batch.where, batch.means, batch.outcomes, strict=True):
            if outcome.choice.tag == "screen":
                self.seen[at] += 1
                self.sum[at] += mean

    @override
    def admit(self, outcome: Outcome) -> bool:
        return outcome.choice.tag != "screen" and self.inner.admit(outcome)

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"kept": float((self.factor() > 0).mean())}
