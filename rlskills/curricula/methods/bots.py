"""BOTS: Bayesian selection whose evidence fades everywhere, with evidence from reference models.

Shen et al. 2025, "BOTS: A Unified Framework for Bayesian Online Task Selection in LLM Reinforcement
Finetuning", arXiv 2510.26374.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ...errors import UserError
from ..base import Base
from ..batch import Batch
from ..options import IN_UNIT, ensure, fraction, positive
from ..pickers import Best, candidates
from ..signals.posterior import Posterior, tallies
from ..state import Array, IntArray


class BOTS(Best):
    """Drawn pass rates nearest to `target`; a <- (1 - decay) a + decay + (1 - r) k + r p m.

    All units fade to Beta(1, 1) by `decay` in every step. k of n successes count 1 - r, and m =
    `pseudo` imagined rollouts with the predicted pass rate p count r. p lies between the pass rates
    of a `weak` and a `strong` reference model (by unit), as far up as the learner stands between
    them on what it was observed on (a running average with .9). `share` is r; it is halved while
    the prediction misses the observed pass rates by .25 or more. Without reference pass rates r is
    0, and the method uses pass rates only.
    """

    name = "bots"
    family = "learnability"
    paper = "Shen et al. 2025, arXiv 2510.26374"
    order_free = True
    saved = ("posterior", "standing", "miss")

    @dataclass(frozen=True)
    class Options(Base.Options):
        decay: float = fraction(0.2)
        """How far every posterior goes back to the prior in a step."""
        target: float = fraction(0.5)
        """Pass rate that is wanted."""
        share: float = fraction(0.2)
        """Weight of the reference models' evidence: the r of the rule."""
        pseudo: int = positive(16)
        """Imagined rollouts of each unit in a step: the m of the rule."""
        ratio: int = positive(16)
        """Candidates per unit of the batch."""
        weak: Mapping[str, float] | None = None
        """Pass rates of a weak reference model, by unit."""
        strong: Mapping[str, float] | None = None
        """Pass rates of a strong reference model, by unit."""

    options: Options

    @override
    def setup(self) -> None:
        weak, strong = self.options.weak, self.options.strong
        if (weak is None) != (strong is None):
            raise UserError("bots needs the pass rates of both reference models, or of none")
        self.posterior = Posterior(self.units, 1.0)
        self.standing, self.miss = 0.0, 0.0
        self.share = 0.0
        if weak is not None and strong is not None:
            self.information = "reference pass rates"
            self.share = self.options.share
            self.weak, self.strong = self._rates(weak), self._rates(strong)

    def _rates(self, given: Mapping[str, float]) -> Array:
        missing = [unit for unit in self.units if unit not in given]
        if missing:
            raise UserError(f"bots has no reference pass rate for unit {missing[0]!r}")
        for unit, rate in given.items():
            ensure(f"reference pass rate of {unit}", rate, *IN_UNIT)
        return np.array([given[unit] for unit in self.units], dtype=float)

    @override
    def scores(self, noise: np.random.Generator, k: int) -> tuple[IntArray, Array]:
        where = candidates(len(self.units), self.options.ratio * k, noise)
        return where, -np.abs(self.posterior.draw(noise, where) - self.options.target)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"competence": self.posterior.mean()}

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"standing": self.standing, "miss": self.miss}

    @override
    def learn(self, batch: Batch) -> None:
        where, wins, losses = tallies(batch)
        post, share = self.posterior, self.share / 2 if self.miss >= 0.25 else self.share
        for counts, seen in ((post.good, wins), (post.bad, losses)):
            counts *= 1 - self.options.decay
            counts += self.options.decay
            counts[where] += (1 - share) * seen
        if share:
            self._stand(where, wins / (wins + losses))
            expected = self.weak + self.standing * (self.strong - self.weak)
            post.good += share * self.options.pseudo * expected
            post.bad += share * self.options.pseudo * (1 - expected)

    def _stand(self, where: IntArray, rate: Array) -> None:
        """Estimate how far the learner stands between the two reference models."""
        weak, gap = self.weak[where], self.strong[where] - self.weak[where]
        expected = weak + self.standing * gap
        self.miss = 0.9 * self.miss + 0.1 * float(np.abs(expected - rate).mean())
        room = float((gap * gap).sum())
        if room > 0:  # least squares over the batch
            now = float(np.clip((gap * (rate - weak)).sum() / room, 0.0, 1.0))
            self.standing = 0.9 * self.standing + 0.1 * now
