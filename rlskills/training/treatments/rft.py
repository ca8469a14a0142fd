"""Rejection fine-tuning: train on the policy's own right completions, sampled anew every update.

The paper's iterative baseline ("From f(x) and g(x) to f(g(x))", section 4.2) with the rounds made
as short as one update, so that it spends its rollouts as GRPO does. Every kept completion has
advantage 1 and every other is left out; at ratio 1 the policy gradient is then the gradient of
the supervised loss on what was kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UserError
from ..batch import RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("rft")
class RFT(Treatment):
    """Supervised training on the right completions of the current policy."""

    paper = "Yuan et al. 2023, arXiv 2308.01825"
    sets_credit = True

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Which right completions are kept."""

        max_per_prompt: int = 0
        """Most right completions kept of one problem; 0 keeps all."""
        skip_solved: bool = False
        """Leave out problems whose completions are all right, as the paper's filter does."""

        def __post_init__(self) -> None:
            if self.max_per_prompt < 0:
                raise UserError(f"rft: max_per_prompt must not be negative: {self.max_per_prompt}")

    def credit(self, batch: RolloutBatch) -> None:
        """Advantage 1."""
        for rollout in batch:
            rollout.credit(1.0)

    def select(self, batch: RolloutBatch) -> None:
        """Right completions only, the first ones of each group."""
        most = self.options.max_per_prompt or len(batch)
        for group in batch.groups():
            solved = all(rollout.score.correct for rollout in group)
            right = 0
            for rollout in group:
                right += rollout.score.correct
                over = right > most or (solved and self.options.skip_solved)
                if over or not rollout.score.correct:
                    rollout.drop()
