"""HPT: a worked demonstration in the place of every group that fails.

Lv et al. 2025, "Towards a Unified View of Large Language Model Post-Training", arXiv 2509.04419,
version 2. With P the share of right rollouts of a group,

    P <= gate   cross-entropy of one demonstration, and no policy gradient of the group
    otherwise   the policy gradient of the group alone

    cross-entropy = -weight * mean over its tokens of log p(token)

All wrong: a demonstration, whatever the gate. All right: no gradient from GRPO's advantages.
Truncated rollouts are wrong. Ungraded ones do not count in P; where nothing was graded nothing is
shown. Rollouts that are replaced still count where a loss is a mean over the round, so that the
gradient of the other groups is the same as without this method.

The paper has n = 8, a gate of 0 for Qwen and 2/8 for Llama, and a weight of 1 (0.3 for its smallest
model). There the weight of a demonstration depends on what else is in its micro-batch; here the
cross-entropy is a mean over the tokens of all demonstrations of an update. What a demonstration
shows is the `solution` of the environment. Under `step_credit`, name this one last: the groups it
replaces would otherwise be trained on for their steps as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UserError
from ..batch import Rollout, RolloutBatch, graded
from .failing import ROLE
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("hpt")
class HPT(Treatment):
    """One worked demonstration instead of the policy gradient, where a group fails."""

    paper = "Lv et al. 2025, arXiv 2509.04419"
    supervision = "every step"
    role = ROLE

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """When a group fails, and how much its demonstration counts."""

        gate: float = 0.0
        """Largest share of right rollouts with which a group fails."""
        weight: float = 1.0
        """Weight of the cross-entropy."""

        def __post_init__(self) -> None:
            if not 0 <= self.gate <= 1:
                raise UserError(f"hpt: gate must be between 0 and 1, not {self.gate}")
            if not 0 < self.weight < float("inf"):
                raise UserError(f"hpt: weight must be positive, not {self.weight}")

    def setup(self) -> None:
        """Nothing was replaced yet."""
        self._replaced: set[int] = set()
        self._shares = (0.0, 0.0)

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """One demonstration for each group that fails."""
        groups = [group for group in batch.groups() if graded(group)]
        failed = [group for group in groups if self._fails(graded(group))]
        shown = sampler.demonstrate([group[0] for group in failed])
        for row in shown:
            row.weigh(rl=0.0, ce=self.options.weight)
        batch.add(shown)
        self._replaced = {group[0].group for group in failed}
        others = sum(len(group) for group in groups) - sum(len(group) for group in failed)
        self._shares = (
            len(failed) / max(1, len(groups)),
            len(shown) / max(1, len(shown) + others),
        )

    def select(self, batch: RolloutBatch) -> None:
        """What is replaced has no policy gradient."""
        for rollout in batch:
            if rollout.origin == "sampled" and rollout.group in self._replaced:
                rollout.skip()

    def metrics(self) -> dict[str, float]:
        """The share of groups that were replaced, and of demonstrations among all rows left."""
        return {"replaced": self._shares[0], "demonstrations": self._shares[1]}

    def _fails(self, group: list[Rollout]) -> bool:
        right = sum(rollout.score.correct for rollout in group)
        return right <= self.options.gate * len(group) + 1e-9  # 1/3 of 3 is 1
