"""Gates after the rollouts: which groups may enter the loss.

A gate changes what is learned per group only where the loss averages over the batch; the rollouts
of a refused group are spent. `inner` sees all groups, refused ones too.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from ..interface import Outcome
from ..pool import Pool
from .around import Around


class DAPO(Around):
    """Refuses dead groups, and lets the trainer draw up to `batches` more batches in their place.

    Yu et al. 2025, "DAPO: An Open-Source LLM Reinforcement Learning System at Scale", arXiv
    2503.14476. A group is dead when all its rewards are equal. Refilling costs 1 / (1 - P(dead))
    times the rollouts.
    """

    name = "dapo"
    family = "gate"
    paper = "Yu et al. 2025, arXiv 2503.14476"
    refill = 10

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        batches: int = 10,
    ) -> None:
        super().__init__(pool, seed, inner)
        if batches < 0:
            checks.positive(batches=batches)
        self.refill = batches

    def admit(self, outcome: Outcome) -> bool:
        """Only groups whose rewards differ."""
        return not outcome.dead and self.inner.admit(outcome)


class Band(Around):
    """Admits groups whose mean reward lies in [low, high].

    Bae et al. 2025, "Online Difficulty Filtering for Reasoning Oriented Reinforcement Learning",
    arXiv 2504.03380; Cui et al. 2025, "Process Reinforcement through Implicit Rewards", arXiv
    2502.01456.
    """

    name = "band"
    family = "gate"
    paper = "Bae et al. 2025, arXiv 2504.03380"

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        low: float = 0.2,
        high: float = 0.8,
    ) -> None:
        super().__init__(pool, seed, inner)
        checks.ordered(low, high)
        self.low, self.high = low, high

    def admit(self, outcome: Outcome) -> bool:
        """Only groups of middle difficulty."""
        if not outcome.rewards:
            return False
        mean = sum(outcome.rewards) / len(outcome.rewards)
        return self.low <= mean <= self.high and self.inner.admit(outcome)
