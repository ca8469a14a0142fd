"""Step reward: right steps earn a little beside the answer, and so does the form asked for.

StepGRPO: J. Zhang et al. 2025, "R1-VL: Learning to Reason with Multimodal Large Language Models via
Step-wise Group Relative Policy Optimization", arXiv 2503.12937, section 3.2. The reward becomes

    reward + weight * k + form      for a completion that answers, right or wrong
    reward                          for one without an answer

with k the share of the task's worked steps that are right, and `form` added where a completion is
strictly in the form asked for. With rewards of 1 and 0 that is the authors' 1 + a * k, a * k and 0,
with their reward of 1 for sections that are all there and in order. They find key steps as words in
the text; here k counts steps that are right up to the first that is not, so that naming values out
of order earns nothing (this project's own).

All right: completions with all steps stand above those that skip some. All wrong: those that get
further stand above others, and divided by a small standard deviation they do so with advantages of
full size: `grpo?scale=none` keeps them in proportion. Truncated and unread completions have no
answer. Ungraded ones stay so. Without worked steps to read, and in several turns, k is 0. Methods
that go by `correct` do not see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from ...errors import UserError
from ..batch import Rollout, RolloutBatch
from .step_credit import leading
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("step_reward")
class StepReward(Treatment):
    """Rewards grow by the share of worked steps that are right, and by the form asked for."""

    paper = "J. Zhang et al. 2025, arXiv 2503.12937"
    needs_steps = True
    supervision = "every step"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """What steps and form are worth, where a right answer is worth 1."""

        weight: float = 0.1
        """Of all steps of a task."""
        form: float = 1.0
        """Of the form asked for."""

        def __post_init__(self) -> None:
            for name in ("weight", "form"):
                if not 0 <= getattr(self, name) < inf:
                    value = getattr(self, name)
                    raise UserError(f"step_reward: {name} must not be negative, but is {value}")

    def setup(self) -> None:
        """Nothing was rewarded yet."""
        self._steps, self._form = 0.0, 0.0

    def shape(self, batch: RolloutBatch) -> None:
        """Onto the rewards that are there."""
        answered = [row for group in batch.groups() for row in group if row.score.status == "ok"]
        shares = [right_share(row) for row in answered]
        forms = [row.score.parts.get("format", 0.0) for row in answered]
        for row, share, form in zip(answered, shares, forms, strict=True):
            row.reward += self.options.weight * share + self.options.form * form
        count = max(1, sum(map(len, batch.groups())))
        self._steps, self._form = sum(shares) / count, sum(forms) / count

    def metrics(self) -> dict[str, float]:
        """Means over completions: the share of right steps, and of those in the form asked for."""
        return {"steps": self._steps, "form": self._form}


def right_share(row: Rollout) -> float:
    """The share of its task's steps that are right, counted up to the first that is not."""
    depth = row.env.step_count(row.task)
    return min(1.0, leading(row) / depth) if depth and row.steps else 0.0
