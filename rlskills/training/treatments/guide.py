"""Guide: tasks that a whole group fails are tried again with help, and learned without it.

Nath et al. 2025, "Adaptive Guidance Accelerates Reinforcement Learning of Reasoning Models", arXiv
2506.13923; the objective is that of the authors' release. For a group without a right answer n
further rollouts are sampled with help h. They are kept if some are right and some are not, with

    A_i = (r_i - mean) / (standard deviation + 1e-4)        inside the helped group
    R_t = p(y_t | q, y_<t) / p(y_t | q, h, y_<t)            plain prompt over prompt with help
    w_t = A_i * R_t * g / (R_t + g)^2                       the gradient of A_i * R_t / (R_t + g)

as policy gradient behind the plain prompt q; g is the 90th percentile of R over the sampled tokens
of the round, at least 1e-4. Help that is not in the prompt but begins the reply (`steps`) needs no
ratio: the policy's own tokens behind it are drawn from what is trained, so R = 1 and w_t = A_i, and
the tokens that were given are not learned.

All wrong: tried again, and left alone if all helped rollouts are right or all are wrong, or where
the environment has no such help. All right: nothing. Truncated rollouts, helped or not, are wrong;
ungraded ones do not count. Beginning with worked steps is this project's own, and so is that the
percentile is not taken over padding, and that groups with a right answer are never tried again. The
answer as help teaches to state it first. Help in the prompt is for models that can follow it, and
supposes sampling at temperature 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ...errors import UserError
from ..batch import Rollout, RolloutBatch, graded
from ..statistics import nanstd
from .failing import ROLE, failed_groups, try_again
from .grpo import EPSILON
from .treatment import TREATMENTS, Sampler, Treatment

PERCENTILE = 0.9
LEAST = 1e-4


@TREATMENTS.register("guide")
class Guide(Treatment):
    """Further rollouts with help where a whole group fails, learned as if there had been none."""

    paper = "Nath et al. 2025, arXiv 2506.13923"
    supervision = "every step"
    role = ROLE

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Which help, and how often it is given."""

        hint: Literal["steps", "definitions", "answer"] = "steps"
        """Replies begin with the first worked steps, or the prompt has the definitions of the
        functions used, or the answer."""
        steps: int = 1
        """Worked steps that a reply begins with; never the last one."""
        rollouts: int = 0
        """Further rollouts of a task; 0: as many as its group has."""

        def __post_init__(self) -> None:
            if self.steps < 1:
                raise UserError(f"guide: steps must be positive, not {self.steps}")
            if self.rollouts < 0 or self.rollouts == 1:
                raise UserError(f"guide: rollouts must be 0 or at least 2, not {self.rollouts}")

    def setup(self) -> None:
        """Nothing was tried again yet."""
        self._rescued: list[tuple[list[Rollout], list[Tensor]]] = []
        self._metrics = {"helped": 0.0, "rescued": 0.0, "right": 0.0}

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Rows that were sampled with help, of groups in which they differ."""
        options, groups = self.options, batch.groups()
        failed = failed_groups(batch)
        n = options.rollouts or max(map(len, failed), default=0)
        tried = [graded(r) for r in try_again(failed, sampler, options.hint, options.steps, n)]
        right = [[row.score.correct for row in rows] for rows in tried]
        mixed = [rows for rows, known in zip(tried, right, strict=True) if len(set(known)) == 2]
        flat = [row for rows in mixed for row in rows]
        weights = iter(self._weights(flat, sampler))
        self._rescued = [(rows, [next(weights) for _ in rows]) for rows in mixed]
        batch.add(flat)
        answers = [each for known in right for each in known]
        self._metrics = {
            "helped": len(tried) / max(1, len(groups)),
            "rescued": len(mixed) / max(1, len(groups)),
            "right": sum(answers) / max(1, len(answers)),
        }

    def select(self, batch: RolloutBatch) -> None:
        """Credited here, so that no other treatment's advantages stand in their place."""
        for rows, weights in self._rescued:
            rewards = torch.tensor([float(row.reward) for row in rows])
            advantages = (rewards - rewards.mean()) / (nanstd(rewards) + EPSILON)
            for row, advantage, weight in zip(rows, advantages, weights, strict=True):
                row.credit(advantage * weight)
                row.weigh(rl=1.0, ce=0.0)

    def metrics(self) -> dict[str, float]:
        """Shares of the groups that were helped and rescued, and of helped rollouts right."""
        return self._metrics

    def _weights(self, rows: list[Rollout], sampler: Sampler) -> list[Tensor]:
        """What advantages are multiplied with, for each token; puts rows behind plain prompts."""
        if self.options.hint == "steps" or not rows:
            return [torch.ones(len(row.ids)) for row in rows]
        shown = sampler.logprobs(rows)
        sampler.ask_plainly(rows)
        plain = sampler.logprobs(rows)
        ratios = [after - before for after, before in zip(plain, shown, strict=True)]
        for row, ratio in zip(rows, ratios, strict=True):
            if row.logprobs is not None:
                # The trainer corrects for what drew a token; the prompt is corrected for here.
                row.logprobs = (torch.tensor(row.logprobs) + ratio).tolist()
        return shaped(ratios, [row.mask for row in rows])


def shaped(log_ratios: Sequence[Tensor], masks: Sequence[Sequence[int]]) -> list[Tensor]:
    """R * g / (R + g)^2 for each token, given log R; g is taken where the mask is not 0."""
    # Bounded, so that squares are finite.
    ratios = [values.double().clamp(max=100.0).exp() for values in log_ratios]
    sampled = [
        values[torch.tensor(mask, dtype=torch.bool)]
        for values, mask in zip(ratios, masks, strict=True)
    ]
    g = max(_percentile(torch.cat(sampled)), LEAST)
    return [(values * g / (values + g) ** 2).float() for values in ratios]


def _percentile(values: Tensor) -> float:
    """The 90th, between its neighbours in proportion; 0 of nothing."""
    if not len(values):
        return 0.0
    ordered, place = values.sort().values, PERCENTILE * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
