"""Annealed temperature: hot at the beginning of a completion, cool towards its end.

EAD: Yang et al. 2025, "Let it Calm: Exploratory Annealed Decoding for Verifiable Reinforcement
Learning", arXiv 2510.05251. The token behind t others of a reply is drawn at the temperature

    tau(t) = max(1 + high - exp(t / d), low)   for t >= begin, 1 before,

times the arm's own. In the authors' release d = min(d0 + growth * update, 40000) with d0 = 25 and
growth = 5 (`scale=fixed`; what samples there uses 20 times that), high = 1.2, low = 0.1 and
begin = 10. The default here is this project's own and fits answers of any length: d = cross * L /
log(high), so that the temperature falls through 1 at the share `cross` of L, a running mean of the
length of completions. Until L is known, in the first round, the temperature is the arm's own. A
`low` above the paper's keeps the end of an exact answer from being drawn greedily.

What was drawn at tau is not what is trained. The drawn log-probabilities are recorded, and the
trainer multiplies every advantage with min(p(token) / p_tau(token), bound): its own correction for
rollouts of another program (settings `rollout_correction`, `token_truncate` by default, and
`rollout_ratio_max`, 2 by default) is exactly that, so nothing is corrected here a second time. The
release has the correction as an option and leaves it out (`correction=off`). vLLM cannot change the
temperature within a completion; transformers keeps the scores of a whole round in memory to record
log-probabilities.

Nothing depends on rewards: groups all right, all wrong, and truncated or ungraded rollouts are what
the other treatments of the arm make of them. All lengths count in L, those cut off as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ...errors import UserError
from ...generation.engine import SamplingParams
from ..batch import RolloutBatch
from .treatment import TREATMENTS, Treatment

LONGEST = 40_000.0
MEMORY = 0.9
"""How much of the running mean of lengths stays in each round."""


@TREATMENTS.register("annealed_temperature")
class AnnealedTemperature(Treatment):
    """A temperature that falls within each completion, from above 1 to below."""

    paper = "Yang et al. 2025, arXiv 2510.05251"
    role = "sets the temperature"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """The schedule, and whether it is corrected for."""

        high: float = 1.2
        """Temperature at the beginning; above 1."""
        low: float = 0.3
        """Lowest temperature."""
        begin: int = 0
        """Tokens before the schedule, which are drawn at temperature 1."""
        scale: Literal["length", "fixed"] = "length"
        """How slowly it falls: in proportion to the mean length, or by `d0` and `growth`."""
        cross: float = 0.25
        """Share of the mean length at which it falls through 1 (`scale=length`)."""
        d0: float = 25.0
        """d in the first update (`scale=fixed`)."""
        growth: float = 5.0
        """What d gains with each update (`scale=fixed`)."""
        correction: Literal["trainer", "off"] = "trainer"
        """Record how likely tokens were drawn, for the trainer's `rollout_correction`."""

        def __post_init__(self) -> None:
            def require(name: str, holds: bool, what: str) -> None:
                if not holds:
                    value = getattr(self, name)
                    raise UserError(f"annealed_temperature: {name} must be {what}, not {value}")

            require("high", 1 < self.high < math.inf, "above 1")
            require("low", 0 < self.low <= 1, "above 0 and at most 1")
            require("begin", self.begin >= 0, "at least 0")
            require("cross", 0 < self.cross < math.inf, "positive")
            require("d0", 0 < self.d0 < math.inf, "positive")
            require("growth", 0 <= self.growth < math.inf, "at least 0")

    def setup(self) -> None:
        """No length is known yet."""
        self.length: float | None = None
        self._d = 0.0

    def sampling(self, params: SamplingParams, step: int) -> SamplingParams:
        """The schedule of this update, on top of the arm's own temperature."""
        options = self.options
        if options.scale == "fixed":
            self._d = min(options.d0 + options.growth * step, LONGEST)
        elif self.length is None:
            return params
        else:
            self._d = options.cross * self.length / math.log(options.high)
        d, own = self._d, params.temperature_at
        return replace(
            params,
            temperature=lambda at: (
                own(at) * annealed(at, d, options.high, options.low, options.begin)
            ),
            logprobs=params.logprobs or options.correction == "trainer",
        )

    def adapt(self, batch: RolloutBatch) -> None:
        """Learn how long completions are."""
        lengths = [rollout.sampled for rollout in batch if rollout.origin == "sampled"]
        if sum(lengths):
            mean = sum(lengths) / len(lengths)
            known = mean if self.length is None else self.length
            self.length = MEMORY * known + (1 - MEMORY) * mean

    def metrics(self) -> dict[str, float]:
        """d, and the position at which the temperature falls through 1."""
        return {"d": self._d, "crosses": self._d * math.log(self.options.high)}

    def state_dict(self) -> dict[str, Any]:
        """With the running mean of lengths."""
        return super().state_dict() | {"length": self.length}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """With the running mean of lengths."""
        super().load_state_dict(state)
        self.length = state["length"]


def annealed(at: int, d: float, high: float, low: float, begin: int = 0) -> float:
    """The temperature of the token behind `at` others."""
    if at < begin:
        return 1.0
    # Bounded, so that the exponential is finite; by then it is the lowest temperature.
    return max(1 + high - math.exp(min(at / d, 100.0)), low)
