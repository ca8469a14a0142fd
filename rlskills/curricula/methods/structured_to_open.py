"""Structured to open: kinds of tasks one after the other, the strictly checkable ones first.

Li et al. 2025, "Omni-Thinker: Scaling Multi-Task RL in LLMs with Hybrid Reward and Task
Scheduling", arXiv 2507.14783.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..groups import Groups
from ..pool import Pool
from ..state import Array


class StructuredToOpen(Base):
    """Equal shares of `total_steps` for each stage in order, with some replay of earlier stages.

    Stages are the pool's levels: 1 for tasks with one exact answer, higher the more open a task is
    (the order that the paper finds to forget least). `replay` of the draws go to stages that are
    over, all their units alike; the paper's plain ordering is `replay=0`.
    """

    name = "structured_to_open"
    family = "schedule"
    paper = "Li et al. 2025 (Omni-Thinker), arXiv 2507.14783"
    information = "level labels"
    timed = True
    order_free = True

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        total_steps: int = 1000,
        replay: float = 0.1,
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(total_steps=total_steps)
        checks.fraction(replay=replay)
        self.total_steps, self.replay = total_steps, replay
        self.stages = Groups(self.pool, "level", self.name)

    @property
    def stage_now(self) -> int:
        """Place of the stage that the clock has reached."""
        number = len(self.stages.names)
        return min(self.step * number // self.total_steps, number - 1)

    def weights(self) -> Array:
        """This stage, and what is over."""
        now = (self.stages.of == self.stage_now).astype(float)
        over = (self.stages.of < self.stage_now).astype(float)
        if not over.any():
            return now
        return (1 - self.replay) * now / now.sum() + self.replay * over / np.sum(over)

    def metrics(self) -> Mapping[str, float]:
        """Also the stage, counted from 1."""
        return {**super().metrics(), "stage": float(self.stage_now + 1)}
