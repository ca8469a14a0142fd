"""Distillation: a teacher grades every token that the policy writes.

The reverse Kullback-Leibler divergence on the policy's own samples, by one sample for each token
(on-policy distillation: Agarwal et al. 2023, GKD, arXiv 2306.13649):

    A_t += weight * (log teacher(y_t | y_<t) - log policy(y_t | y_<t))

whose expectation over y_t is -weight * KL(policy || teacher). With `steps` the weight falls in a
straight line to 0 over so many updates, so that the teacher only starts the policy off
(kickstarting: Schmitt et al. 2018, arXiv 1803.03835, which takes the cross-entropy over all tokens
of the vocabulary in its place, and adapts the weight).

All right, all wrong and truncated rollouts learn from the teacher too, on every token. Ungraded
ones do not. Rollouts that no other treatment keeps, such as those of groups alike, are trained on
for the teacher alone; they count in losses that are means over tokens. Without the reward
(`reward=false`) nothing but the teacher is learned from. Name this treatment behind the one that
sets the advantages. The teacher must have the policy's tokenizer; log-probabilities are those at
temperature 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from ...errors import UserError
from ..batch import Rollout, RolloutBatch, graded
from .treatment import TREATMENTS, Sampler, Treatment

Terms: TypeAlias = list[tuple[Rollout, Tensor]]
"""Rows with what their advantages gain, for each token."""


@TREATMENTS.register("distillation")
class Distillation(Treatment):
    """How much likelier a teacher finds each token, added to the advantages."""

    paper = "Agarwal et al. 2023, arXiv 2306.13649; Schmitt et al. 2018, arXiv 1803.03835"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Which teacher, and how much it counts."""

        teacher: str = "start"
        """A model by name or folder, or `start`: the one that the arm began with."""
        weight: float = 1.0
        """Of the teacher, in the first update."""
        steps: int = 0
        """Updates over which the weight falls to 0; 0: it stays."""
        reward: bool = True
        """Add to the advantages of the treatments before, or replace them."""

        def __post_init__(self) -> None:
            if not self.teacher:
                raise UserError("distillation: teacher names no model")
            if not 0 < self.weight < float("inf"):
                raise UserError(f"distillation: weight must be positive, not {self.weight}")
            if self.steps < 0:
                raise UserError(f"distillation: steps must not be negative: {self.steps}")
            if self.steps and not self.reward:
                raise UserError("distillation: with reward=false nothing is left behind `steps`")

    def setup(self) -> None:
        """Nothing was read yet."""
        self._terms: Terms = []
        self._weight = self._gap = 0.0

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Read every graded rollout with both models."""
        self._weight = self._weight_at(batch.step)
        rows = [rollout for group in batch.groups() for rollout in graded(group)]
        rows = rows if self._weight else []
        policy = sampler.logprobs(rows) if rows else []
        teacher = sampler.logprobs(rows, self.options.teacher) if rows else []
        self._terms, self._gap = gains(rows, policy, teacher, self._weight)

    def credit(self, batch: RolloutBatch) -> None:
        """Add to what stands there, or replace it."""
        for row, term in self._terms:
            row.credit(row.advantages + term if self.options.reward else term)

    def select(self, batch: RolloutBatch) -> None:
        """Also what has no gradient otherwise."""
        revive(self._terms)

    def metrics(self) -> dict[str, float]:
        """The weight, and how much likelier the policy finds a token of its own (nats)."""
        return {"weight": self._weight, "divergence": self._gap}

    def _weight_at(self, step: int) -> float:
        options = self.options
        left = max(0.0, 1 - step / options.steps) if options.steps else 1.0
        return options.weight * left


def gains(
    rows: Sequence[Rollout], policy: Sequence[Tensor], teacher: Sequence[Tensor], weight: float
) -> tuple[Terms, float]:
    """weight * (teacher - policy) on sampled tokens, and the mean of policy - teacher."""
    terms: Terms = []
    for row, student, other in zip(rows, policy, teacher, strict=True):
        mask = torch.tensor(row.mask, dtype=torch.bool)
        terms.append((row, torch.where(mask, other - student, torch.zeros(()))))
    tokens = sum(row.sampled for row in rows)
    gap = sum(float(-term.double().sum()) for _, term in terms) / max(1, tokens)
    return [(row, weight * term) for row, term in terms], gap


def revive(terms: Terms) -> None:
    """Rows that no other treatment keeps are trained on for these terms alone."""
    for row, term in terms:
        if not row.has_gradient:
            row.credit(term)
            row.weigh(rl=1.0)
