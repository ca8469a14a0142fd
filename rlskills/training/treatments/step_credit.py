"""Step credit: each worked step is credited by how often the group gets that far.

In a chain whose wrong values are never repaired, let c be the number of leading steps that a
rollout has right, and q(s) the share of the group's rollouts that have step s right among those
that have step s - 1 right. Then for s up to c + 1, with p(s) = 1 if c >= s and 0 otherwise,

    myopic     A(s) =  p(s) - q(s)
    terminal   A(s) = (p(s) - q(s)) * q(s + 1) * ... * q(D)

and 0 behind that: a step is not blamed for what could not be right any more. `terminal` is Q - V of
the final answer and sums to reward minus mean over the steps of a rollout; `myopic` is alive as
soon as any step of the group is mixed. Both are this project's exact form of step rewards
(StepGRPO, Zhang et al. 2025, arXiv 2503.12937, section 3.2; process supervision, Shao et al. 2024,
arXiv 2402.03300, section 4.1.3): environments know the true values, so nothing is estimated.
StepGRPO's own rewards, of whole completions, are `step_reward`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch

from ...errors import UserError
from ..batch import Rollout, RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("step_credit")
class StepCredit(Treatment):
    """Advantages by step, instead of those by rollout or on top of them."""

    paper = "exact form of Zhang et al. 2025, arXiv 2503.12937"
    needs_steps = True
    supervision = "every step"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Which credit, and how it is combined with what stands there."""

        mode: Literal["myopic", "terminal"] = "myopic"
        """Whether a step is credited for itself, or for what it does to the final answer."""
        weight: float = 1.0
        """Factor of the advantages by step."""
        add: bool = False
        """Add them to the advantages of the treatments before, instead of replacing these."""

        def __post_init__(self) -> None:
            if not 0 < self.weight < float("inf"):
                raise UserError(f"step_credit: weight must be positive, not {self.weight}")

    def setup(self) -> None:
        """Nothing was credited yet."""
        self._credited: set[int] = set()
        self._share = 0.0

    def credit(self, batch: RolloutBatch) -> None:
        """Rows whose steps are not known keep the advantage that they have.

        That is so for rows without any step found, and for right answers with a step that is wrong
        or missing.
        """
        self._credited = set()
        for group in batch.groups():
            graded = [rollout for rollout in group if not rollout.score.failed]
            depth = group[0].env.step_count(group[0].task)
            if not (depth and any(rollout.steps for rollout in graded)):
                continue
            reached = [leading(rollout) for rollout in graded]
            table = advantages(reached, depth, self.options.mode)
            for rollout, count, values in zip(graded, reached, table, strict=True):
                if rollout.steps and not (rollout.score.correct and count < depth):
                    self._apply(rollout, values)
        rows = sum(rollout.origin == "sampled" for rollout in batch)
        self._share = len(self._credited) / max(1, rows)

    def select(self, batch: RolloutBatch) -> None:
        """A group that differs in its steps is trained on, also where its rewards are all alike."""
        for rollout in batch:
            if id(rollout) in self._credited and bool(rollout.advantages.any()):
                rollout.weigh(rl=1.0)

    def metrics(self) -> dict[str, float]:
        """The share of rollouts that were credited by step."""
        return {"credited": self._share}

    def _apply(self, rollout: Rollout, values: list[float]) -> None:
        by_token = torch.zeros(len(rollout.ids))
        for (start, end, _), value in zip(rollout.steps, values, strict=False):
            by_token[start:end] = self.options.weight * value
        rollout.credit(rollout.advantages + by_token if self.options.add else by_token)
        self._credited.add(id(rollout))


def leading(rollout: Rollout) -> int:
    """How many steps in a row are right, from the first."""
    wrong = (i for i, (_, _, right) in enumerate(rollout.steps) if not right)
    return next(wrong, len(rollout.steps))


def advantages(reached: list[int], depth: int, mode: str) -> list[list[float]]:
    """The advantage of every step (`depth`) of every rollout, given how far each one got."""
    at_least = [sum(count >= step for count in reached) for step in range(depth + 1)]
    q = [at_least[s] / at_least[s - 1] if at_least[s - 1] else 0.0 for s in range(1, depth + 1)]
    later = [prod(q[s:]) if mode == "terminal" else 1.0 for s in range(1, depth + 1)]
    return [
        [((count >= s) - q[s - 1]) * later[s - 1] if s <= count + 1 else 0.0
         for s in range(1, depth + 1)]
        for count in reached
    ]  # fmt: skip
