"""A treatment that credits whatever is sampled, so that a random model gets a gradient."""

from __future__ import annotations

from rlskills.training.batch import RolloutBatch
from rlskills.training.treatments import Treatment


class Varied(Treatment):
    """Every second rollout is praised, the others are blamed."""

    supervision = "answers"

    def credit(self, batch: RolloutBatch) -> None:
        for i, rollout in enumerate(batch):
            rollout.credit(1.0 if i % 2 else -1.0)

    def adapt(self, batch: RolloutBatch) -> None:
        """After the gate, which leaves out groups that were all wrong."""
        for rollout in batch:
            rollout.weigh(rl=1.0)
