"""Short names for rounds made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from rlskills.training.batch import RolloutBatch
from rlskills.training.treatments.testing import made_rollout as rollout
from rlskills.training.treatments.testing import rollout_batch
from rlskills.training.treatments.testing import stepped_batch as stepped

__all__ = ["batch", "first", "rollout", "stepped"]


def batch(*groups: Sequence[float | None]) -> RolloutBatch:
    """One group for each sequence of rewards."""
    return rollout_batch(groups)


def first(made: RolloutBatch) -> list[float]:
    """The advantage of the first token of each rollout."""
    return [row.advantages[0].item() for row in made]
