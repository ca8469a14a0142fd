"""PSR, NSR and W-REINFORCE: fixed weights for right and wrong completions, without a baseline.

    right +positive, wrong -negative

X. Zhu et al. 2025, "The Surprising Effectiveness of Negative Reinforcement in LLM Reasoning", arXiv
2506.01347 (v2): `positive=0.1` is W-REINFORCE, `positive=0` learns from wrong completions only
(NSR: the probability of what was wrong goes to the other tokens in proportion to theirs),
`negative=0` from right ones only (PSR). Rows with weight 0 are left out, as there.

All right: +positive. All wrong: -negative on each row, which pushes away without a direction; where
hardly anything is solved that is most of a batch, so `all_wrong=drop`, this project's addition,
leaves such groups out. Truncated: wrong. Ungraded: left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...errors import UserError
from ..batch import Rollout, RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("reinforce")
class Reinforce(Treatment):
    """One advantage for what is right, a negative one for what is wrong, whatever the group."""

    paper = "X. Zhu et al. 2025, arXiv 2506.01347"
    sets_credit = True

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Weights of both kinds."""

        positive: float = 0.1
        """Advantage of right completions."""
        negative: float = 1.0
        """Advantage of wrong completions, with a minus."""
        all_wrong: Literal["keep", "drop"] = "keep"
        """Whether groups without any right completion are learned from."""

        def __post_init__(self) -> None:
            for name in ("positive", "negative"):
                if not 0 <= getattr(self, name) < float("inf"):
                    raise UserError(
                        f"reinforce: {name} must not be negative: {getattr(self, name)}"
                    )
            if not (self.positive or self.negative):
                raise UserError("reinforce: positive and negative are both 0: nothing is learned")

    def setup(self) -> None:
        """No round yet."""
        self._all_wrong = 0.0

    def credit(self, batch: RolloutBatch) -> None:
        """By `correct`, not by the reward."""
        for group in batch.groups():
            for rollout in group:
                right = rollout.score.correct
                value = self.options.positive if right else -self.options.negative
                rollout.credit(0.0 if rollout.score.failed else value)

    def select(self, batch: RolloutBatch) -> None:
        """What has no advantage is left out, and groups that are all wrong if asked for."""
        groups = batch.groups()
        failed = [group for group in groups if not any(row.score.correct for row in group)]
        for group in groups:
            for rollout in group:
                if not Rollout.advantages.any(rollout):
                    rollout.drop()
        for group in failed if self.options.all_wrong == "drop" else ():
            for rollout in group:
                rollout.drop()
        self._all_wrong = len(failed) / max(1, len(groups))

    def metrics(self) -> dict[str, float]:
        """The share of groups without any right completion."""
        return {"all_wrong": self._all_wrong}
