"""DCO: supervised rows count less, the more likely the policy finds them already.

Cross-entropy goes on to raise what is known, at the cost of all else that N samples would find. The
loss -log(1 - (1 - p)^N) is that none of N samples is the target; its gradient is that of the
cross-entropy times

    F(N, p) = N * (1 - p)^(N-1) * p / (1 - (1 - p)^N)

which falls from 1 at p = 0 to 0 at p = 1. F. Chen et al. 2025, "Rethinking Fine-Tuning when Scaling
Test-Time Compute: Limiting Confidence Improves Mathematical Reasoning", arXiv 2502.07154. This
multiplies weights by F:

* of demonstrations in a supervised arm, the paper's own place: p is that of all learned tokens of
  one together, under the policy that the update is worked out from;
* of right completions that the policy sampled (`rft`, `star`): p is the share of its group that is
  right, which is the paper's variant for chains of thought with an exact estimate;
* of added rows in the cross-entropy (demonstrations): p is that of all their tokens together under
  the policy.

For demonstrations of more than a few words p is nearly 0 and F nearly 1, whatever the policy knows:
it is for bare answers. The cross-entropy is still divided by all of its tokens, so that an update
becomes smaller where much is known, as in the paper's release.

F is worked out from log p by functions that lose no digits at either end, so the series that the
paper's release takes near 0 is not needed. All right: weight 0. All wrong, truncated, ungraded:
wrong rows keep their weights, and ungraded ones do not count in p. Beside other treatments it must
be named behind what adds and weighs rows; under advantages relative to a group it would take from
the right side only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, expm1, inf, log, log1p

from torch import Tensor

from ...errors import UserError
from ..batch import Rollout, RolloutBatch
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("dco")
class DCO(Treatment):
    """Weights of supervised rows fall with what the policy would solve in N samples anyway."""

    paper = "F. Chen et al. 2025, arXiv 2502.07154"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How many samples."""

        n: int = 8
        """Samples of which one is to be right; 1 is the plain cross-entropy."""

        def __post_init__(self) -> None:
            if self.n < 1:
                raise UserError(f"dco: n must be at least 1, not {self.n}")

    def setup(self) -> None:
        """No round yet."""
        self._known: dict[Rollout, float] = {}
        self._mean = 1.0

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """How likely the rows are that were added so far."""
        added = [rollout for rollout in batch if rollout.origin == "added"]
        found = sampler.logprobs(added) if added else []
        self._known = {
            row: sum(value for value, mine in zip(each.tolist(), row.mask, strict=True) if mine)
            for row, each in zip(added, found, strict=True)
        }

    def select(self, batch: RolloutBatch) -> None:
        """Onto the weights that are there."""
        weights = []
        for group in batch.groups():
            graded = [rollout for rollout in group if not rollout.score.failed]
            right = sum(rollout.score.correct for rollout in graded)
            if right:
                weight = confidence_weight(self.options.n, log(right / len(graded)))
                weights += [weight] * right
                for rollout in graded:
                    if rollout.score.correct and rollout.kept:
                        rollout.weigh(rollout.rl_weight * weight, rollout.ce_weight * weight)
        for rollout, likely in self._known.items():
            if Rollout.ce_weight.any(rollout):
                weight = confidence_weight(self.options.n, likely)
                weights.append(weight)
                rollout.weigh(ce=rollout.ce_weight * weight)
        self._mean = sum(weights) / len(weights) if weights else 1.0
        self._known = {}

    def demonstrated(self, logprobs: Sequence[Tensor]) -> Sequence[float]:
        """F for each of them."""
        weights = [confidence_weight(self.options.n, sum(each.tolist())) for each in logprobs]
        self._mean = sum(weights) / len(weights) if weights else 1.0
        return weights

    def metrics(self) -> dict[str, float]:
        """The mean of F over right and added rows, or demonstrations."""
        return {"weight": self._mean}


def confidence_weight(n: int, logprob: float) -> float:
    """F(n, p) of the logarithm of p."""
    p = exp(min(0.0, logprob))
    if n == 1 or not p:
        return 1.0
    # log(1 - p), precise where p is near 0 and where it is near 1.
    rest = (log1p(-p) if p < 0.5 else log(-expm1(logprob))) if logprob < 0 else -inf
    return n * exp((n - 1) * rest) * p / -expm1(n * rest)
