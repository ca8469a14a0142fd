"""SPEED: a few rollouts first; only problems that are neither solved nor hopeless get the rest.

Zhang et al. 2025, "SPEED-RL: Faster Training of Reasoning Models via Online Curriculum Learning",
arXiv 2506.09016.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..interface import Choice, Outcome
from ..options import positive
from ..state import Array
from .around import Around


class SPEED(Around):
    """Screens problems of `inner` with `screen` rollouts; mixed ones come back for `rest` more.

    A choice is tagged `screen` or `main` and asks for that many rollouts. Screening groups are not
    learned from, but `inner` sees them. A batch first holds the problems that passed, in the order
    in which they did, then new ones to screen; `probabilities` are shares of such a batch. Where
    outcomes do not name their problem, another one of the unit gets the rest.
    """

    name = "speed"
    family = "gate"
    paper = "Zhang et al. 2025, arXiv 2506.09016"
    version = 2
    saved = ("passed", "batch")

    @dataclass(frozen=True)
    class Options(Base.Options):
        screen: int = positive(4)
        """Rollouts of a screening group."""
        rest: int = positive(12)
        """Rollouts of the group that follows a mixed one."""

    options: Options

    @override
    def setup(self) -> None:
        self.passed: list[list[Any]] = []  # units, and addresses of their problems
        self.batch = 1
        self.order_free = False
        self.reaches_all = False  # not while units that passed fill a batch

    @override
    def sample(self, k: int) -> list[Choice]:
        main = self.passed[: max(k, 0)]
        fresh = self.inner.sample(k - len(main))
        self.batch = k or self.batch
        self.step += k > 0
        self.passed = self.passed[len(main) :]
        self.invalidate()
        return [
            *(
                Choice(unit, rollouts=self.options.rest, tag="main", problem=problem)
                for unit, problem in main
            ),
            *(replace(choice, rollouts=self.options.screen, tag="screen") for choice in fresh),
        ]

    @override
    def unit_probabilities(self) -> Array:
        main = self.passed[: self.batch]
        shares = self.inner.unit_probabilities() * (1 - len(main) / self.batch)
        for unit, _ in main:
            shares[self.index[unit]] += 1 / self.batch
        return shares

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        for outcome in batch.outcomes:
            if outcome.choice.tag == "screen" and not outcome.zero_variance:
                self.passed.append([outcome.choice.unit, outcome.choice.problem])

    @override
    def admit(self, outcome: Outcome) -> bool:
        return outcome.choice.tag != "screen" and self.inner.admit(outcome)

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"waiting": float(len(self.passed))}

    @override
    def refresh(self) -> None:
        self.passed = [one for one in self.passed if one[0] in self.index]
        self.invalidate()
