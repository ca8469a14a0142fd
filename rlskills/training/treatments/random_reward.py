"""Random reward: a control that rewards completions by the throw of a coin.

    reward = 1 with probability `rate`, else 0, for each completion by itself

Shao et al. 2025, "Spurious Rewards: Rethinking Training Signals in RLVR", arXiv 2506.10947. Trained
on once, its advantages have expectation 0: whatever an arm with it learns is noise, or comes from
clipping.

Right, wrong, truncated and all groups: the same. Ungraded: as it was, without an advantage. With
advantages from rewards only (grpo): maxrl, pass_k and the like go by `correct`, and would see the
truth.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UserError
from ..batch import RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("random_reward")
class RandomReward(Treatment):
    """The reward is a coin's, whatever the answer."""

    paper = "Shao et al. 2025, arXiv 2506.10947"
    role = "replaces the reward"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """The coin."""

        rate: float = 0.5
        """Probability of a reward of 1."""

        def __post_init__(self) -> None:
            if not 0 <= self.rate <= 1:
                raise UserError(f"random_reward: rate must be from 0 to 1, not {self.rate}")

    def setup(self) -> None:
        """No round yet."""
        self._mean = 0.0

    def shape(self, batch: RolloutBatch) -> None:
        """One throw for every row, so that a failed grading does not move those of others."""
        thrown = [float(self.rng.random() < self.options.rate) for _ in batch]
        for rollout, value in zip(batch, thrown, strict=True):
            if not rollout.score.failed:
                rollout.reward = value
        self._mean = sum(thrown) / max(1, len(thrown))

    def metrics(self) -> dict[str, float]:
        """The share of rewards."""
        return {"rewarded": self._mean}
