"""Easy-to-hard rounds: after each round of practice, one more level is opened.

Lee, Cai, Schwarzschild, Lee and Papailiopoulos 2025, "Self-Improving Transformers Overcome
Easy-to-Hard and Length Generalization Challenges", arXiv 2502.01612.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..groups import Groups
from ..options import fraction, positive
from ..state import Array


class SelfImprovement(Base):
    """Uniform over the open levels; a round is `round_groups` groups of the newest level.

    The next level is opened if the newest level's mean pass rate in the round was at least
    `accept`. With 0, as in the paper, every round opens a level, and the learner learns from what
    it gets right there. Levels once open stay open.
    """

    name = "self_improvement"
    family = "level stepper"
    paper = "Lee et al. 2025, arXiv 2502.01612"
    information = "level labels"
    saved = ("opened", "groups", "sum")

    @dataclass(frozen=True)
    class Options(Base.Options):
        round_groups: int = positive(64)
        """Groups of the newest level in a round."""
        accept: float = fraction(0.5)
        """Mean pass rate from which a round opens the next level."""

    options: Options

    @override
    def setup(self) -> None:
        self.levels = Groups(self.pool, "level", self.name)
        self.opened, self.groups, self.sum = 1, 0, 0.0

    @override
    def weights(self) -> Array:
        return (self.levels.of < self.opened).astype(float)

    @override
    def learn(self, batch: Batch) -> None:
        """Count groups of the newest level, and end the round when there are enough."""
        for at, mean in zip(batch.where, batch.means, strict=True):
            if self.levels.of[at] != self.opened - 1:
                continue
            self.groups += 1
            self.sum += mean
            if self.groups >= self.options.round_groups:
                if self.sum / self.groups >= self.options.accept:
                    self.opened = min(self.opened + 1, len(self.levels.names))
                self.groups, self.sum = 0, 0.0

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"opened": float(self.opened)}
