"""Brevity: among right completions of a problem, shorter ones earn more.

L is the number of sampled tokens, r the reward as it stands, and extremes, mean and standard
deviation (of the population) are over the right completions of the group:

    range       r * (1 + weight * (Lmax - L) / (Lmax - Lmin))      right completions only
    sigmoid     r * (1 - weight * sigmoid((L - mean) / sd))        right completions only
    shortest    2 * r - weight * |L - Lmin|                        all completions

`range` is this project's; a right completion is never worth less than without it, and a wrong one
is not changed, so that nothing pulls towards short wrong answers. `sigmoid` is Arora and Zanette
2025, "Training Language Models to Reason Efficiently", arXiv 2502.04463; `shortest` is Yi et al.
2025, "ShorterBetter", arXiv 2504.21370, with an alpha of 2, where the mean length of the group
stands for Lmin if none is right. The aim is that of efficiency rewards (W. Zhao et al. 2025, arXiv
2506.15647), whose formula we could not find.

All right: the length is the only signal, and GRPO's division by the deviation makes it one of full
size (`grpo?scale=none` does not). Right completions all of one length: `range` gives the whole
bonus, `sigmoid` takes half of its weight. All wrong: as it stands, but under `shortest`. Truncated:
wrong, so never short. Ungraded: as it was. It changes rewards, so methods that go by `correct`
(maxrl, pass_k, reinforce) do not see it. Beside a credit by worked steps it is a bad idea: it pays
for leaving out the steps that the other pays for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

from ...errors import UserError
from ..batch import RolloutBatch
from .treatment import TREATMENTS, Treatment

WEIGHTS = {"range": 0.2, "sigmoid": 0.2, "shortest": 0.001}


@TREATMENTS.register("brevity")
class Brevity(Treatment):
    """Rewards of right completions rise with their shortness, relative to their group."""

    paper = "Arora and Zanette 2025, arXiv 2502.04463"
    role = "prices length"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """By which rule, and how much."""

        rule: Literal["range", "sigmoid", "shortest"] = "range"
        """How the length enters the reward."""
        weight: float | None = None
        """Share of the reward (`shortest`: reward for each token) that length decides about; none:
        0.2, and 0.001 for `shortest`."""

        def __post_init__(self) -> None:
            if self.weight is not None and not 0 < self.weight < float("inf"):
                raise UserError(f"brevity: weight must be positive, not {self.weight}")
            if self.rule == "sigmoid" and self.weight is not None and self.weight >= 1:
                raise UserError(f"brevity: weight must be below 1 in sigmoid, not {self.weight}")

    def setup(self) -> None:
        """The weight, and no round yet."""
        given = self.options.weight
        self._weight = WEIGHTS[self.options.rule] if given is None else given
        self._length = 0.0

    def shape(self, batch: RolloutBatch) -> None:
        """Of the completions that were graded."""
        lengths: list[int] = []
        for group in batch.groups():
            graded = [rollout for rollout in group if not rollout.score.failed]
            right = [rollout.score.correct and not rollout.truncated for rollout in graded]
            taken = [rollout.sampled for rollout in graded]
            lengths += [length for length, is_right in zip(taken, right, strict=True) if is_right]
            before = [float(rollout.reward) for rollout in graded]
            rewards = shaped(before, taken, right, self.options.rule, self._weight)
            for rollout, reward in zip(graded, rewards, strict=True):
                rollout.reward = reward
        self._length = sum(lengths) / max(1, len(lengths))

    def metrics(self) -> dict[str, float]:
        """The mean length of right completions."""
        return {"right_length": self._length}


def shaped(
    rewards: Sequence[float],
    lengths: Sequence[int],
    right: Sequence[bool],
    rule: str,
    weight: float,
) -> list[float]:
    """The rewards of a group with their lengths in them."""
    known = [length for length, is_right in zip(lengths, right, strict=True) if is_right]
    if rule == "shortest":
        best = min(known) if known else sum(lengths) / max(1, len(lengths))
        return [
            2 * reward - weight * abs(length - best)
            for reward, length in zip(rewards, lengths, strict=True)
        ]
    if not known:
        return list(rewards)
    least, most, mean = min(known), max(known), sum(known) / len(known)
    deviation = (sum((length - mean) ** 2 for length in known) / len(known)) ** 0.5

    def factor(length: int) -> float:
        if rule == "range":
            return 1 + weight * ((most - length) / (most - least) if most > least else 1.0)
        return 1 - weight / (1 + exp(-(length - mean) / (deviation or 1.0)))

    return [
        reward * factor(length) if is_right else reward
        for reward, length, is_right in zip(rewards, lengths, right, strict=True)
    ]
