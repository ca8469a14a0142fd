"""Overlong: a penalty that grows in front of the length limit.

With the limit M of a round, and the last `cache` of it, C = cache * M tokens, a completion of L
sampled tokens is given, on top of its reward,

    0 up to M - C, then (M - C - L) / C, and -1 at M

Yu et al. 2025, "DAPO", arXiv 2503.14476, section 3.4 (soft overlong punishment; C is a fifth of M
there). The limit is that of the round's sampling.

Right or wrong, in any group: the same. Truncated: -1 and no reward beside it. Ungraded: as it was.
It changes rewards, so methods that go by `correct` do not see it; and under `mask_truncated` what
was cut off is not learned from, only counted in its group.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UserError
from ...generation.engine import SamplingParams
from ..batch import RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("overlong")
class Overlong(Treatment):
    """Completions that come near to the length limit lose up to 1 of their reward."""

    paper = "Yu et al. 2025, arXiv 2503.14476"
    role = "prices length"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Where it begins."""

        cache: float = 0.2
        """The last share of the length limit, over which the penalty rises to 1."""

        def __post_init__(self) -> None:
            if not 0 < self.cache <= 1:
                raise UserError(f"overlong: cache must lie between 0 and 1, not {self.cache}")

    def setup(self) -> None:
        """No round yet: no limit."""
        self._limit = 0
        self._mean = 0.0

    def sampling(self, params: SamplingParams, step: int) -> SamplingParams:
        """The limit of this round."""
        self._limit = params.max_new_tokens
        return params

    def shape(self, batch: RolloutBatch) -> None:
        """Onto the reward that is there."""
        graded = [rollout for rollout in batch if not rollout.score.failed]
        found = [penalty(rollout.sampled, self._limit, self.options.cache) for rollout in graded]
        for rollout, value in zip(graded, found, strict=True):
            rollout.reward += value
        self._mean = sum(found) / max(1, len(found))

    def metrics(self) -> dict[str, float]:
        """The mean of what was given, at most 0."""
        return {"penalty": self._mean}


def penalty(length: int, limit: int, cache: float) -> float:
    """What a completion of `length` tokens is given, between -1 and 0; 0 without a limit."""
    if not limit:
        return 0.0
    room = cache * limit
    return max(-1.0, min(0.0, (limit - room - length) / room))
