"""DPO: the policy learns to prefer a right completion to a wrong one of the same problem.

For a pair with the log-probability ratios R = log policy - log reference, summed over tokens,

    loss = -log sigmoid(beta * margin),   margin = R(right) - R(wrong)

whose gradient raises every token of the right row with weight beta * sigmoid(-beta * margin), and
lowers those of the wrong row by as much. Rafailov et al. 2023, arXiv 2305.18290, section 4. These
weights are the advantages, times tokens over pairs, so that the policy gradient under the `dapo`
loss, a mean over tokens, is that of the mean loss over the pairs of a round. Other losses divide by
something else: then the ratio of the pairs is the same and the size is not. With more than one pass
over a round the weights are those of its beginning.

Pairs are this project's own: in each group as many as there are rows of both kinds, each row once,
those with the longest beginning in common first. All right, all wrong: no pair (a worked solution
is never one of a pair: see `hpt`). Truncated: a wrong one of a pair only if a worked step before
the cut is known to be wrong. Groups of which some grading failed: none. Rows without a pair are
left out.

`reference=start` is the model that the arm began with. `round` is the policy itself as it sampled:
every margin is 0, every weight beta / 2, and nothing need be read. The references in stages of sDPO
(D. Kim et al. 2024, arXiv 2403.19270) are a chain of arms, each of which begins where the one
before it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import exp, inf, log1p
from typing import Literal

import torch
from torch import Tensor

from ...errors import UserError
from ..batch import Rollout, RolloutBatch, graded_whole
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("dpo")
class DPO(Treatment):
    """Pairs of a right and a wrong completion, each weighted by how little it is preferred yet."""

    paper = "Rafailov et al. 2023, arXiv 2305.18290"
    sets_credit = True

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """What is compared, and with which reference."""

        beta: float = 0.1
        """How fast a weight falls with the margin."""
        reference: Literal["start", "round"] = "start"
        """The model that the arm began with, or the policy at the beginning of each round."""
        length_gap: float = 0.3
        """Largest difference in length of a pair, as a share of the longer one; 1: any."""
        mean: bool = False
        """Means over the tokens of a row in the place of sums."""

        def __post_init__(self) -> None:
            if not 0 < self.beta < inf:
                raise UserError(f"dpo: beta must be positive, not {self.beta}")
            if not 0 <= self.length_gap <= 1:
                raise UserError(f"dpo: length_gap must be from 0 to 1, not {self.length_gap}")

    def setup(self) -> None:
        """No round yet."""
        self._pairs: list[tuple[Rollout, Rollout]] = []
        self._margins: list[float] = []

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Pair rows, and read how much the policy prefers which."""
        whole = [group for group in batch.groups() if graded_whole(group)]
        self._pairs = [pair for group in whole for pair in pairs(group, self.options.length_gap)]
        rows = [row for pair in self._pairs for row in pair]
        found = log_ratios(rows, sampler, self.options.reference)
        sums = [
            each.sum().item() / self._length(row) for row, each in zip(rows, found, strict=True)
        ]
        self._margins = [right - wrong for right, wrong in zip(sums[::2], sums[1::2], strict=True)]

    def credit(self, batch: RolloutBatch) -> None:
        """Opposite advantages for the rows of a pair."""
        for group in batch.groups():
            for rollout in group:
                rollout.credit(0.0)
        tokens = sum(row.sampled for pair in self._pairs for row in pair)
        for (right, wrong), margin in zip(self._pairs, self._margins, strict=True):
            weight = preference(self.options.beta, margin)[0] * tokens / len(self._pairs)
            right.credit(weight / self._length(right))
            wrong.credit(-weight / self._length(wrong))

    def select(self, batch: RolloutBatch) -> None:
        """What is in no pair is left out."""
        paired = {row for pair in self._pairs for row in pair}
        for group in batch.groups():
            for rollout in group:
                if rollout not in paired:
                    rollout.drop()

    def metrics(self) -> dict[str, float]:
        """Pairs, their mean loss and margin, and the share that is preferred as it should be."""
        count = max(1, len(self._pairs))
        loss = sum(preference(self.options.beta, margin)[1] for margin in self._margins)
        return {
            "pairs": float(len(self._pairs)), "loss": loss / count,
            "margin": sum(self._margins) / count,
            "preferred": sum(margin > 0 for margin in self._margins) / count,
        }  # fmt: skip

    def _length(self, row: Rollout) -> int:
        return max(1, row.sampled) if self.options.mean else 1


def preference(beta: float, margin: float) -> tuple[float, float]:
    """The weight beta * sigmoid(-beta * margin) of a pair, and its loss."""
    x = beta * margin
    loss = max(-x, 0.0) + log1p(exp(-abs(x)))
    return beta * exp(-max(x, 0.0) - log1p(exp(-abs(x)))), loss


def log_ratios(rows: Sequence[Rollout], sampler: Sampler, reference: str) -> list[Tensor]:
    """How much likelier each sampled token (T) of each row is to the policy than to `reference`."""
    if reference == "round" or not rows:
        return [torch.zeros(len(row.ids)) for row in rows]
    policy, start = sampler.logprobs(rows), sampler.logprobs(rows, reference)
    return [
        (mine - other) * torch.tensor(row.mask)
        for row, mine, other in zip(rows, policy, start, strict=True)
    ]


def pairs(group: Sequence[Rollout], length_gap: float) -> list[tuple[Rollout, Rollout]]:
    """A right and a wrong row each, none of them twice."""
    right = [row for row in group if row.score.correct]
    wrong = [row for row in group if not row.score.correct and _surely_wrong(row)]
    possible = [
        (one, other)
        for one in right
        for other in wrong
        if abs(one.sampled - other.sampled) <= length_gap * max(one.sampled, other.sampled)
        and one.ids != other.ids
    ]
    # By what the rows are, not by where they stand.
    possible.sort(key=lambda pair: (-_common(*pair), pair[0].ids, pair[1].ids))
    found: list[tuple[Rollout, Rollout]] = []
    used: set[Rollout] = set()
    for pair in possible:
        if used.isdisjoint(pair):
            found.append(pair)
            used.update(pair)
    return found


def _surely_wrong(row: Rollout) -> bool:
    return not row.truncated or not all(right for _, _, right in row.steps)


def _common(one: Rollout, other: Rollout) -> int:
    """How many tokens two rows begin with alike."""
    together = zip(one.ids, other.ids, strict=False)
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], together))
