"""Easy-to-hard rounds: after each round of practice, one more level is opened.

Lee, Cai, Schwarzschild, Lee and Papailiopoulos 2025, "Self-Improving Transformers Overcome
Easy-to-Hard and Length Generalization Challenges", arXiv 2502.01612.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import checks
from ..base import Base
from ..batch import Batch
from ..groups import Groups
from ..pool import Pool
from ..state import Array


class SelfImprovement(Base):
    """Uniform over the open levels; a round is `round_groups` groups of the newest one.

    The next level is opened if the newest one's mean reward in the round was at least `accept`;
    with 0, as in the paper, every round opens one, and what the learner gets right of it is what it
    learns from. Levels once open stay open.
    """

    name = "self_improvement"
    family = "level stepper"
    paper = "Lee et al. 2025, arXiv 2502.01612"
    information = "level labels"
    saved = ("opened", "groups", "sum")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        round_groups: int = 64,
        accept: float = 0.5,
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(round_groups=round_groups)
        checks.fraction(accept=accept)
        self.round_groups, self.accept = round_groups, accept
        self.levels = Groups(self.pool, "level", self.name)
        self.opened, self.groups, self.sum = 1, 0, 0.0

    def weights(self) -> Array:
        """One for each unit of an open level."""
        return (self.levels.of < self.opened).astype(float)

    def learn(self, batch: Batch) -> None:
        """Count groups of the newest level, and end the round when there are enough."""
        for at, mean in zip(batch.where, batch.means, strict=True):
            if self.levels.of[at] != self.opened - 1:
                continue
            self.groups += 1
            self.sum += mean
            if self.groups >= self.round_groups:
                if self.sum / self.groups >= self.accept:
                    self.opened = min(self.opened + 1, len(self.levels.names))
                self.groups, self.sum = 0, 0.0

    def metrics(self) -> Mapping[str, float]:
        """Also how many levels are open."""
        return {**super().metrics(), "opened": float(self.opened)}
