"""Format reward: a control that rewards form and length, and never looks at the answer.

With x the share of the length limit that a completion takes, and its best value p (`peak`),

    length(x) = 1 - (1 - x / p)^2 up to p, and 1 - 2 * ((x - p) / (1 - p))^2 beyond
    reward    = 1 + length(x) where the form is right, else min(0, length(x))

(Xin et al. 2025, "Surrogate Signals from Format and Length", arXiv 2505.19439 (v5).) `lines` is
the same in straight lines, x / p and 1 - 2 (x - p) / (1 - p); `none` is 1 for the form alone.

Form is what the environment calls well formed. Right, wrong and all groups: by form and length
only. Truncated: not in form. Ungraded: as it was. With advantages from rewards only (grpo): maxrl,
pass_k and the like go by `correct`, and would see the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...errors import UserError
from ...generation.engine import SamplingParams
from ..batch import Rollout, RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("format_reward")
class FormatReward(Treatment):
    """The reward is for a well-formed completion of middling length, right or wrong."""

    paper = "Xin et al. 2025, arXiv 2505.19439"
    role = "replaces the reward"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """What length is best, and how that enters."""

        peak: float = 0.5
        """The best length, as a share of the length limit."""
        length: Literal["curve", "lines", "none"] = "curve"
        """How the reward falls off around it; none: the form alone counts."""

        def __post_init__(self) -> None:
            if not 0 < self.peak < 1:
                raise UserError(f"format_reward: peak must lie between 0 and 1, not {self.peak}")

    def setup(self) -> None:
        """No round yet: no limit."""
        self._limit = 0
        self._formed = 0.0

    def sampling(self, params: SamplingParams, step: int) -> SamplingParams:
        """The limit of this round."""
        self._limit = params.max_new_tokens
        return params

    def shape(self, batch: RolloutBatch) -> None:
        """In the place of the reward; without a known limit the longest completion is it."""
        limit = self._limit or max((rollout.sampled for rollout in batch), default=0) or 1
        graded = [rollout for rollout in batch if not rollout.score.failed]
        for rollout in graded:
            right = well_formed(rollout)
            if self.options.length == "none":
                rollout.reward = float(right)
                continue
            share = min(1.0, rollout.sampled / limit)
            value = by_length(share, self.options.peak, self.options.length == "lines")
            rollout.reward = 1 + value if right else min(0.0, value)
        self._formed = sum(map(well_formed, graded)) / max(1, len(graded))

    def metrics(self) -> dict[str, float]:
        """The share of well-formed completions."""
        return {"well_formed": self._formed}


def well_formed(rollout: Rollout) -> bool:
    """Whether a graded completion is in the form asked for; graders that do not say: readable."""
    score = rollout.score
    said = score.parts.get("format", float(score.status == "ok"))
    return said == 1 and not rollout.truncated


def by_length(share: float, peak: float, lines: bool = False) -> float:
    """Between -1 and 1, 1 at `peak`."""
    if share <= peak:
        return share / peak if lines else 1 - (1 - share / peak) ** 2
    beyond = (share - peak) / (1 - peak)
    return 1 - 2 * beyond if lines else 1 - 2 * beyond**2
