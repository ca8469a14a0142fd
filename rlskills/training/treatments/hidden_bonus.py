"""Hidden-state bonus: a small reward for completions that are unlike the others of their group.

RepExp: Tuyls et al. 2025, "Representation-Based Exploration for Language Models: From Test-Time to
Post-Training", arXiv 2510.11686. h_i is the mean over the completion's tokens of the last hidden
states of the model that the arm began with, projected at random to `dim` numbers (anew each round)
and centred on the group's mean. The bonus is the leverage of h_i in its group:

    L = ridge * I + sum over the group of h_j h_j'
    b_i = h_i' L^-1 h_i                               reward_i += weight * b_i

or, with row i left out of L, b_i / (1 - b_i). `choose` takes the same measure at test time, to pick
completions that differ.

All wrong: no bonus, as in the paper. All right: none either, unless `solved` asks for it; the
release gives it there, where dividing by the group's deviation makes it as large as a reward, and
`weight` has no effect. Truncated rollouts are wrong and have a bonus where others are right.
Ungraded ones have none, and are no part of the group. In a group of one, and among completions that
are all alike, the bonus is 0. Where `dim` is not much below the number of rollouts of a group, all
of them have nearly the same leverage, (n - 1) / n; what is left then depends on `ridge`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ...errors import UserError
from ..batch import Rollout, RolloutBatch, graded
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("hidden_bonus")
class HiddenBonus(Treatment):
    """A bonus for unusual hidden states, in groups where some answers are right."""

    paper = "Tuyls et al. 2025, arXiv 2510.11686"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How unusual is measured, and what it is worth."""

        weight: float = 0.01
        """What the bonus is multiplied by."""
        ridge: float = 0.01
        """Multiple of the identity in L, beside the squares of hidden states."""
        dim: int = 32
        """Numbers that hidden states are projected to; 0, or as many as they have: they stay."""
        projection: Literal["sparse", "gaussian"] = "sparse"
        """Random matrix: signs with zeros between them, or normal numbers."""
        measure: Literal["leverage", "left_out"] = "leverage"
        """With the completion itself in L, or left out."""
        solved: bool = False
        """Give the bonus in groups that are all right, too."""

        def __post_init__(self) -> None:
            for name in ("weight", "ridge"):
                if not 0 < getattr(self, name) < math.inf:
                    value = getattr(self, name)
                    raise UserError(f"hidden_bonus: {name} must be positive, not {value}")
            if self.dim < 0:
                raise UserError(f"hidden_bonus: dim must not be negative: {self.dim}")

    def setup(self) -> None:
        """Nothing was read yet."""
        self._bonus: list[tuple[Rollout, float]] = []
        self._rows = 0

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Read the groups that get a bonus, and work it out."""
        groups = [rows for group in batch.groups() if self._explores(rows := graded(group))]
        flat = [row for rows in groups for row in rows]
        self._bonus, self._rows = [], sum(map(len, batch.groups()))
        if not flat:
            return
        states = self._projected(sampler.hidden(flat).double())
        for rows, own in zip(groups, states.split([len(rows) for rows in groups]), strict=True):
            bonus = leverage(own - own.mean(0), self.options.ridge)
            if self.options.measure == "left_out":
                bonus = bonus / (1 - bonus)
            self._bonus += zip(rows, bonus.tolist(), strict=True)

    def shape(self, batch: RolloutBatch) -> None:
        """Add it to rewards."""
        for row, bonus in self._bonus:
            row.reward += self.options.weight * bonus

    def metrics(self) -> dict[str, float]:
        """The mean of what was given, before `weight`, and to which share of completions."""
        given = [bonus for _, bonus in self._bonus]
        return {
            "bonus": sum(given) / max(1, len(given)),
            "given": len(given) / max(1, self._rows),
        }

    def _explores(self, rows: list[Rollout]) -> bool:
        right = sum(row.score.correct for row in rows)
        return right > 0 and (right < len(rows) or self.options.solved)

    def _projected(self, states: Tensor) -> Tensor:
        width, dim = states.shape[1], self.options.dim
        if not 0 < dim < width:
            return states
        generator = torch.Generator().manual_seed(self.rng.getrandbits(60))
        shape = (width, dim)
        if self.options.projection == "gaussian":
            matrix = torch.randn(shape, generator=generator, dtype=torch.double)
        else:
            # Li et al. 2006: one number in sqrt(width) is not 0. Lengths stay the same on average.
            share = 1 / math.sqrt(width)
            there = torch.rand(shape, generator=generator, dtype=torch.double) < share
            sign = torch.randint(0, 2, shape, generator=generator) * 2 - 1
            matrix = there * sign.double() / math.sqrt(share)
        return states @ matrix / math.sqrt(dim)


def leverage(states: Tensor, ridge: float) -> Tensor:
    """h' (ridge * I + sum of h h')^-1 h of each row h of `states` (N, D), in double precision."""
    states = states.double()
    squares = states.T @ states + ridge * torch.eye(states.shape[1], dtype=torch.double)
    return (states * torch.linalg.solve(squares, states.T).T).sum(1)


def choose(states: Tensor, k: int, ridge: float) -> list[int]:
    """Which `k` of N completions to keep, given their hidden states (N, D): one after the other,
    each the least like those chosen before, with the largest h' L^-1 h for L = ridge * I + sum of
    h h' over those; the first of equals."""
    states = states.double()
    inverse = torch.eye(states.shape[1], dtype=torch.double) / ridge
    chosen: list[int] = []
    for _ in range(min(k, len(states))):
        unlike = ((states @ inverse) * states).sum(1)
        unlike[chosen] = -math.inf
        best = int(unlike.argmax())
        chosen.append(best)
        # Sherman and Morrison: the inverse with one square more.
        along = inverse @ states[best]
        inverse = inverse - torch.outer(along, along) / (1 + states[best] @ along)
    return chosen
