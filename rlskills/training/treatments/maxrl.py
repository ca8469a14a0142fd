"""MaxRL: advantages over the pass rate, so that hard problems weigh as under maximum likelihood.

Tajwar et al. 2026, "Maximum Likelihood Reinforcement Learning", arXiv 2602.02710, v3. With n
rollouts the estimator has the gradient of the expansion of log p to order n - 1 (theorem 5). A
single right completion of n has weight n - 1, so false positives of a verifier weigh heavily:
`clip` bounds that, which is this project's addition.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UserError
from ..batch import RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("maxrl")
class MaxRL(Treatment):
    """(right - pass rate) / pass rate; groups without any right completion have no advantage."""

    paper = "Tajwar et al. 2026, arXiv 2602.02710"
    sets_credit = True

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How heavy one lucky completion may weigh."""

        clip: float = 0.0
        """Largest advantage; 0 sets no bound."""

        def __post_init__(self) -> None:
            if not self.clip >= 0:
                raise UserError(f"maxrl: clip must not be negative: {self.clip}")

    def credit(self, batch: RolloutBatch) -> None:
        """By `correct`, not by the reward: with partial credit the mean is no pass rate."""
        for group in batch.groups():
            graded = [rollout for rollout in group if not rollout.score.failed]
            right = sum(rollout.score.correct for rollout in graded)
            for rollout in group:
                rollout.credit(0.0)
            for rollout in graded if right else ():
                rate = right / len(graded)
                advantage = (rollout.score.correct - rate) / rate
                rollout.credit(min(advantage, self.options.clip or advantage))

    def select(self, batch: RolloutBatch) -> None:
        """Groups that are all right or all wrong have nothing to teach."""
        for group in batch.groups():
            if len({rollout.score.correct for rollout in group if not rollout.score.failed}) <= 1:
                for rollout in group:
                    rollout.skip()
