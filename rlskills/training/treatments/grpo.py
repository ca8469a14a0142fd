"""GRPO: advantages relative to the other completions of the same problem.

Shao et al. 2024, DeepSeekMath, arXiv 2402.03300, section 4.1. Without the division (`scale=none`)
they are those of Dr. GRPO (Liu et al. 2025, arXiv 2503.20783). The loss on them is a setting
(`RLSettings.loss`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from ..batch import RolloutBatch, zero_variance
from ..statistics import nanstd
from .treatment import TREATMENTS, Treatment

EPSILON = 1e-4


@TREATMENTS.register("grpo")
class GRPO(Treatment):
    """Reward minus the mean of the group, over its standard deviation."""

    paper = "Shao et al. 2024, arXiv 2402.03300"
    sets_credit = True

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How advantages are scaled, and what becomes of groups that have none."""

        scale: Literal["group", "batch", "none"] = "group"
        """Divide by the standard deviation of the group's rewards, the batch's, or not at all."""
        zero_variance: Literal["drop", "keep"] = "drop"
        """Groups whose rewards are all alike: leave them out of the loss, or train on them with
        advantage 0, which lowers the weight of all other tokens."""

    def credit(self, batch: RolloutBatch) -> None:
        """Rollouts whose grading failed have advantage 0 and do not count in the statistics."""
        whole = nanstd(batch.rewards())
        for group in batch.groups():
            rewards = torch.tensor([float(rollout.reward) for rollout in group])
            advantages = rewards - torch.nanmean(rewards)
            if self.options.scale != "none":
                std = nanstd(rewards) if self.options.scale == "group" else whole
                advantages = advantages / (std + EPSILON)
            values = torch.nan_to_num(advantages, nan=0.0)
            for rollout, advantage in zip(group, values, strict=True):
                rollout.credit(advantage)

    def select(self, batch: RolloutBatch) -> None:
        """Groups without a difference in reward are dropped, unless they are to be kept."""
        if self.options.zero_variance == "keep":
            return
        for group in batch.groups():
            if zero_variance(group):
                for rollout in group:
                    rollout.skip()
