"""Gates after the rollouts: which groups may enter the loss.

A gate changes what is learned per group only where the loss averages over the batch; the rollouts
of a refused group are spent. `inner` sees all groups, refused ones too.
"""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from ..base import Base
from ..interface import Outcome
from ..options import at_least, ensure_band
from .around import Around


class DAPO(Around):
    """Refuses zero-variance groups; up to `max_resamples` further batches per step replace them.

    Dynamic sampling: Yu et al. 2025, "DAPO: An Open-Source LLM Reinforcement Learning System at
    Scale", arXiv 2503.14476. A group counts by its rewards, so wrong and malformed answers differ
    where the reward tells them apart. Costs 1 / (1 - P(zero variance)) times the rollouts.
    """

    name = "dapo"
    family = "gate"
    paper = "Yu et al. 2025, arXiv 2503.14476"

    @dataclass(frozen=True)
    class Options(Base.Options):
        max_resamples: int = at_least(0, 10)
        """Further batches per step, to replace refused groups."""

    options: Options

    @override
    def setup(self) -> None:
        self.max_resamples = max(self.options.max_resamples, self.inner.max_resamples)

    @override
    def admit(self, outcome: Outcome) -> bool:
        return not outcome.zero_variance and self.inner.admit(outcome)


class Band(Around):
    """Admits groups whose mean pass rate lies in [low, high].

    Up to `max_resamples` further batches per step replace the others, so that all steps learn from
    as many groups. A band costs more than `dapo`: groups of one or two right answers, from which
    the first successes at something new are learned, are refused as well.

    Bae et al. 2025, "Online Difficulty Filtering for Reasoning Oriented Reinforcement Learning",
    arXiv 2504.03380; Cui et al. 2025, "Process Reinforcement through Implicit Rewards", arXiv
    2502.01456.
    """

    name = "band"
    version = 2
    family = "gate"
    paper = "Bae et al. 2025, arXiv 2504.03380"

    @dataclass(frozen=True)
    class Options(Base.Options):
        low: float = 0.2
        """Lowest mean pass rate that is admitted."""
        high: float = 0.8
        """Highest mean pass rate that is admitted."""
        max_resamples: int = at_least(0, 10)
        """Further batches per step, to replace refused groups."""

        @override
        def __post_init__(self) -> None:
            super().__post_init__()
            ensure_band(self.low, self.high)

    options: Options

    @override
    def setup(self) -> None:
        self.max_resamples = max(self.options.max_resamples, self.inner.max_resamples)

    @override
    def admit(self, outcome: Outcome) -> bool:
        if not outcome.pass_rates:
            return False
        mean = sum(outcome.pass_rates) / len(outcome.pass_rates)
        return self.options.low <= mean <= self.options.high and self.inner.admit(outcome)
