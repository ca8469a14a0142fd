"""Structured to open: kinds of tasks one after the other, the strictly checkable ones first.

Li et al. 2025, "Omni-Thinker: Scaling Multi-Task RL in LLMs with Hybrid Reward and Task
Scheduling", arXiv 2507.14783.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from ..base import Base
from ..groups import Groups
from ..options import fraction, positive
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

    @dataclass(frozen=True)
    class Options(Base.Options):
        total_steps: int = positive(1000)
        """Length of the run, in batches."""
        replay: float = fraction(0.1)
        """Share of the draws that goes to earlier stages."""

    options: Options

    @override
    def setup(self) -> None:
        self.stages = Groups(self.pool, "level", self.name)

    @property
    def stage_now(self) -> int:
        """Index of the stage that the clock has reached."""
        number = len(self.stages.names)
        return min(self.step * number // self.options.total_steps, number - 1)

    @override
    def weights(self) -> Array:
        now = (self.stages.of == self.stage_now).astype(float)
        over = (self.stages.of < self.stage_now).astype(float)
        if not over.any():
            return now
        replay = self.options.replay
        return (1 - replay) * now / now.sum() + replay * over / over.sum()

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"stage": float(self.stage_now + 1)}
