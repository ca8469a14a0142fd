"""Step DPO: a wrong completion's first wrong step, against the same step as it is right.

The loss is that of `dpo`, -log sigmoid(beta * margin), on the tokens of two steps only:

    rejected   the first wrong step of a wrong completion
    chosen     the step of the same number of a sibling that has it right, or, where none of the
               group has, of the worked solution, which is added as a row

each read in its own row; both are credited with beta * sigmoid(-beta * margin), chosen with plus,
rejected with minus, all other tokens are left out. Advantages are times tokens over pairs, so that
under the `dapo` loss the gradient is that of the mean loss over the pairs of a round.

Setlur et al. 2024, "RL on Incorrect Synthetic Data Scales the Efficiency of LLM Math Reasoning by
Eight-Fold", arXiv 2406.14532. There a data set is fixed beforehand, the step to reject is found by
sampling on from each step (the one with the lowest estimated value), and whole continuations are
compared. Here an exact environment says which step is wrong, rows are the policy's own of this
round, and a chosen step need not follow the very same words: what is before it is right, and
siblings that write that alike are taken first, then those least used.

All right: nothing. All wrong: learned from. Truncated: only if a complete step is wrong. Wrong
without a wrong step, right, ungraded groups: no pair of their own. `reference` as in `dpo`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ...errors import UserError
from ..batch import Rollout, RolloutBatch, graded_whole
from .dpo import log_ratios, preference
from .step_credit import leading
from .treatment import TREATMENTS, Sampler, Treatment


class StepPair(NamedTuple):
    """Step number `step`, counted from 0, of a row that has it right and of one that has not."""

    chosen: Rollout
    rejected: Rollout
    step: int


@TREATMENTS.register("step_dpo")
class StepDPO(Treatment):
    """A first wrong step is lowered, and the right step in its place raised."""

    paper = "Setlur et al. 2024, arXiv 2406.14532"
    sets_credit = True
    needs_steps = True
    supervision = "every step"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """With which reference."""

        beta: float = 0.1
        """How fast a weight falls with the margin."""
        reference: Literal["start", "round"] = "start"
        """The model that the arm began with, or the policy at the beginning of each round."""

        def __post_init__(self) -> None:
            if not 0 < self.beta < inf:
                raise UserError(f"step_dpo: beta must be positive, not {self.beta}")

    def setup(self) -> None:
        """No round yet."""
        self._pairs: list[StepPair] = []
        self._margins: list[float] = []
        self._weights: dict[Rollout, Tensor] = {}

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Find the steps, and read how much the policy prefers which."""
        groups = [group for group in batch.groups() if graded_whole(group)]
        failed = [group[0] for group in groups if any(_alone(row, group) for row in group)]
        shown = {row.group: row for row in sampler.demonstrate(failed)} if failed else {}
        self._pairs = [
            pair for group in groups for pair in step_pairs(group, shown.get(group[0].group))
        ]
        used = {pair.chosen for pair in self._pairs}
        batch.add([row for row in shown.values() if row in used])
        rows = list(dict.fromkeys(row for p in self._pairs for row in (p.chosen, p.rejected)))
        found = log_ratios(rows, sampler, self.options.reference)
        known = dict(zip(rows, found, strict=True))

        def ratio(row: Rollout, step: int) -> float:
            return known[row][_tokens(row, step)].sum().item()

        self._margins = [ratio(p.chosen, p.step) - ratio(p.rejected, p.step) for p in self._pairs]

    def credit(self, batch: RolloutBatch) -> None:
        """On the tokens of steps; a step that is chosen twice has the sum."""
        values = {row: torch.zeros(len(row.ids)) for group in batch.groups() for row in group}
        values |= {pair.chosen: torch.zeros(len(pair.chosen.ids)) for pair in self._pairs}
        self._weights = {row: torch.zeros(len(row.ids)) for row in values}
        for pair, margin in zip(self._pairs, self._margins, strict=True):
            weight = preference(self.options.beta, margin)[0]
            for row, value in ((pair.chosen, weight), (pair.rejected, -weight)):
                values[row][_tokens(row, pair.step)] += value
                self._weights[row][_tokens(row, pair.step)] = 1
        tokens = sum(int((w * torch.tensor(row.mask)).sum()) for row, w in self._weights.items())
        for row, by_token in values.items():
            row.credit(by_token * tokens / max(1, len(self._pairs)))

    def select(self, batch: RolloutBatch) -> None:
        """What is in no pair is left out."""
        for row, weights in self._weights.items():
            if weights.any():
                row.weigh(rl=weights)
            else:
                row.drop()

    def metrics(self) -> dict[str, float]:
        """Pairs, the share of them with the worked solution, their mean loss and margin."""
        count = max(1, len(self._pairs))
        loss = sum(preference(self.options.beta, margin)[1] for margin in self._margins)
        return {
            "pairs": float(len(self._pairs)), "loss": loss / count,
            "shown": sum(pair.chosen.origin == "added" for pair in self._pairs) / count,
            "margin": sum(self._margins) / count,
        }  # fmt: skip


def step_pairs(group: Sequence[Rollout], shown: Rollout | None) -> list[StepPair]:
    """One for each row with a first wrong step, where there is a right one to choose."""
    found: list[StepPair] = []
    uses: Counter[Rollout] = Counter()
    for row in group:
        step = _first_wrong(row)
        if step is None:
            continue
        able = [other for other in group if leading(other) > step]
        if not able and shown is not None and leading(shown) > step:
            able = [shown]
        before = row.ids[: row.steps[step][0]]
        alike = {other: other.ids[: other.steps[step][0]] == before for other in able}
        able.sort(key=lambda other: (not alike[other], uses[other], other.ids))
        if able and able[0].ids[_tokens(able[0], step)] != row.ids[_tokens(row, step)]:
            uses[able[0]] += 1
            found.append(StepPair(able[0], row, step))
    return found


def _first_wrong(row: Rollout) -> int | None:
    """The number of a wrong row's first wrong step, if it is one of the task's."""
    step = leading(row)
    wanted = min(len(row.steps), row.env.step_count(row.task))
    return step if not row.score.correct and step < wanted else None


def _alone(row: Rollout, group: Sequence[Rollout]) -> bool:
    """Whether nobody in its group has its first wrong step right."""
    step = _first_wrong(row)
    return step is not None and not any(leading(other) > step for other in group)


def _tokens(row: Rollout, step: int) -> slice:
    start, end, _ = row.steps[step]
    return slice(start, end)
