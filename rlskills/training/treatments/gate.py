"""The gate that every arm has: what may enter the loss at all.

A group of which any rollout could not be graded is left out, since its advantages would be relative
to the others only. The curriculum has seen every group by then, and may refuse some.
"""

from __future__ import annotations

from typing import Any

from ...curricula import Curriculum
from ..batch import RolloutBatch, graded_whole
from .treatment import Treatment


class TruncationMask(Treatment):
    """Completions that were cut off carry no loss (Yu et al. 2025, DAPO, arXiv 2503.14476, 3.4)."""

    name = "truncation_mask"

    def select(self, batch: RolloutBatch) -> None:
        """As in TRL, they still count as rows."""
        for rollout in batch:
            if rollout.truncated and rollout.origin == "sampled" and rollout.kept:
                rollout.skip(tokens=False)


class CurriculumGate(Treatment):
    """Drops groups that the curriculum does not admit, or that were not graded as a whole."""

    name = "curriculum_gate"

    def __init__(self, curriculum: Curriculum, seed: int = 0) -> None:
        super().__init__(seed)
        self.curriculum = curriculum
        self.max_resamples = curriculum.max_resamples

    def select(self, batch: RolloutBatch) -> None:
        """One question to the curriculum for each group that was graded as a whole."""
        outcomes: list[Any] = batch.outcomes()
        for group, outcome in zip(batch.groups(), outcomes, strict=True):
            if not (graded_whole(group) and self.curriculum.admit(outcome)):
                for rollout in group:
                    rollout.drop()
