"""GRPO: advantages relative to the group of completions of the same problem.

Shao et al. 2024, DeepSeekMath, arXiv 2402.03300, section 4; loss variants by TRL's names. Groups
whose rewards are all alike have no advantage: `dead_groups` says whether they are trained on all
the same, left out, or replaced by sampling more (DAPO, arXiv 2503.14476, section 3.2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..environments import Score
from ..runs.metrics import Budget
from .rollouts import RolloutTrainer
from .rounds import Round
from .settings import GRPOSettings
from .stream import TaskStream


class GRPO(RolloutTrainer):
    """TRL's GRPO on tasks that a curriculum draws at generation time."""

    settings: GRPOSettings

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        stream: TaskStream,
        settings: GRPOSettings,
        checkpoints: Path,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(
            model, tokenizer, stream, settings, checkpoints, budget,
            loss_type=settings.loss,
            beta=settings.beta,
            epsilon=settings.epsilon,
            scale_rewards=settings.scale_rewards,
            entropy_coef=settings.entropy_bonus,
        )  # fmt: skip

    def choose(self, scores: list[Score], advantages: Tensor) -> tuple[Tensor, Tensor]:
        """TRL's advantages; the rows of live groups, or all of them."""
        if self.settings.dead_groups == "keep":
            return advantages, torch.ones_like(advantages, dtype=torch.bool)
        # Only rounding makes the advantages of a dead group differ from 0.
        return advantages, advantages.abs() > 1e-6

    def rounds_wanted(self, rounds: list[Round]) -> bool:
        """Under `refill`, until an update's worth of live rows is there on all processes.

        A curriculum may ask for the same by its `max_resamples`, the number of further rounds.
        """
        asked = self.settings.dead_groups == "refill"
        resamples = self.stream.curriculum.max_resamples
        most = max(self.settings.max_rounds if asked else 1, 1 + resamples)
        if len(rounds) >= most:
            return False
        have = self._total(sum(one.wanted for one in rounds))
        return have < self.settings.prompts_per_step * self.settings.group_size
