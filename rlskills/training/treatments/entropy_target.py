"""Entropy target: an entropy bonus whose coefficient keeps the policy as uncertain as is wanted.

Adaptive entropy control: He et al. 2025, Skywork-OR1, arXiv 2505.22312, section 3.2.5. With H the
entropy of the policy in this round, in nats for each token,

    bonus      coefficient * H as part of the objective where H <= target, nothing above it
    afterwards coefficient += rate where H < target, -= rate otherwise, within 0 and `most`

The authors take H over the whole vocabulary. Here it is estimated from the sampled tokens y_t with
the policy's log-probabilities l_t, H = mean of -l_t, and so is its gradient, by the score function
(this project's own; the same in expectation for each token, given what stands before it):

    A_t += coefficient * (-l_t - H)

so that what was unlikely becomes likelier and what was likely less so.

The bonus is on the rollouts that the other treatments train on: a group that they leave out, such
as one all right or all wrong, stays out, and truncated rollouts are as others. All graded rollouts
count in H, ungraded ones neither count nor learn. Log-probabilities are those at temperature 1;
sampled at another temperature, H is that of tokens drawn there. Name this treatment behind the one
that sets the advantages. The defaults are those of the authors' scripts; a small model that is
trained on one task may need a target far below 0.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import UserError
from ..batch import Rollout, RolloutBatch, graded
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("entropy_target")
class EntropyTarget(Treatment):
    """An entropy bonus that is raised while the policy is too sure, and lowered again."""

    paper = "He et al. 2025, arXiv 2505.22312"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How uncertain, and how fast the bonus follows."""

        target: float = 0.2
        """Entropy wanted, in nats for each token."""
        rate: float = 0.0001
        """What the coefficient gains or loses in each round."""
        most: float = 0.005
        """Largest coefficient."""
        first: float = 0.0
        """Coefficient in the first round."""

        def __post_init__(self) -> None:
            for name in ("target", "rate", "most"):
                if not 0 < getattr(self, name) < math.inf:
                    value = getattr(self, name)
                    raise UserError(f"entropy_target: {name} must be positive, not {value}")
            if not 0 <= self.first <= self.most:
                raise UserError(
                    f"entropy_target: first must be between 0 and most, not {self.first}"
                )

    def setup(self) -> None:
        """The coefficient to begin with."""
        self.coefficient: float = self.options.first
        self._surprise: list[tuple[Rollout, Tensor]] = []
        self._entropy: float | None = None

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """How unlikely each token was, less the mean."""
        rows = [rollout for group in batch.groups() for rollout in graded(group)]
        tokens = sum(row.sampled for row in rows)
        self._surprise, self._entropy = [], None
        if not tokens:
            return
        masks = [torch.tensor(row.mask, dtype=torch.bool) for row in rows]
        surprise = [-values.double() for values in sampler.logprobs(rows)]
        total = sum(float(one[mask].sum()) for one, mask in zip(surprise, masks, strict=True))
        self._entropy = total / tokens
        self._surprise = [
            (row, ((one - self._entropy) * mask).float())
            for row, one, mask in zip(rows, surprise, masks, strict=True)
        ]

    def credit(self, batch: RolloutBatch) -> None:
        """Add the bonus where there is too little entropy."""
        if self._entropy is None or self._entropy > self.options.target or not self.coefficient:
            return
        for row, surprise in self._surprise:
            row.credit(row.advantages + self.coefficient * surprise)

    def adapt(self, batch: RolloutBatch) -> None:
        """The coefficient of the next round."""
        if self._entropy is None:
            return
        rate = self.options.rate if self._entropy < self.options.target else -self.options.rate
        self.coefficient = min(max(self.coefficient + rate, 0.0), self.options.most)

    def metrics(self) -> dict[str, float]:
        """Entropy of the round, and the coefficient of the next."""
        return {"entropy": self._entropy or 0.0, "coefficient": self.coefficient}

    def state_dict(self) -> dict[str, Any]:
        """With the coefficient."""
        return super().state_dict() | {"coefficient": self.coefficient}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """With the coefficient."""
        super().load_state_dict(state)
        self.coefficient = state["coefficient"]
