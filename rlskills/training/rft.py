"""Rejection fine-tuning: train on the policy's own right completions, sampled anew every update.

The paper's iterative baseline ("From f(x) and g(x) to f(g(x))", section 4.2) with the rounds made
as short as one update, so that it spends its rollouts as GRPO does. Every kept completion has
advantage 1 and every other is left out; at ratio 1 the policy gradient is then the gradient of
the supervised loss on what was kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..environments import Score
from ..runs.metrics import Budget
from .rollouts import RolloutTrainer
from .settings import RFTSettings
from .stream import TaskStream


class RFT(RolloutTrainer):
    """Supervised training on the right completions of the current policy."""

    settings: RFTSettings

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        stream: TaskStream,
        settings: RFTSettings,
        checkpoints: Path,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(
            model, tokenizer, stream, settings, checkpoints, budget,
            loss_type="dapo", beta=0.0, scale_rewards="none",
        )  # fmt: skip

    def choose(self, scores: list[Score], advantages: Tensor) -> tuple[Tensor, Tensor]:
        """Advantage 1 for right completions, up to `max_per_prompt` of each group."""
        right = torch.tensor([score.correct for score in scores], device=advantages.device)
        groups = right.view(-1, self.settings.group_size)
        keep = groups.clone()
        if self.settings.max_per_prompt:
            keep &= groups.cumsum(1) <= self.settings.max_per_prompt
        if self.settings.skip_solved:
            keep &= ~groups.all(1, keepdim=True)
        return torch.ones_like(advantages), keep.view(-1)
