"""BOTS: Bayesian selection whose evidence fades everywhere, with evidence from reference models.

Shen et al. 2025, "BOTS: A Unified Framework for Bayesian Online Task Selection in LLM Reinforcement
Finetuning", arXiv 2510.26374.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import UserError
from .. import checks
from ..batch import Batch
from ..pickers import Best, candidates
from ..pool import Pool
from ..signals.posterior import Posterior, tallies
from ..state import Array, IntArray


class BOTS(Best):
    """Drawn pass rates nearest to `target`; a <- (1 - decay) a + decay + (1 - r) k + r p m.

    All units fade to Beta(1, 1) by `decay` in every step. k of n successes count 1 - r, and m =
    `pseudo` imagined rollouts with the predicted pass rate p count r. p lies between the pass rates
    of a `weak` and a `strong` reference model (by unit), as far up as the learner stands between
    them on what it was observed on (a running average with .9). `share` is r; it is halved while
    the prediction misses the observed pass rates by .25 or more. Without reference pass rates r is
    0, and the method uses rewards only.
    """

    name = "bots"
    family = "learnability"
    paper = "Shen et al. 2025, arXiv 2510.26374"
    order_free = True
    saved = ("posterior", "standing", "miss")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        decay: float = 0.2,
        target: float = 0.5,
        share: float = 0.2,
        pseudo: int = 16,
        ratio: int = 16,
        weak: Mapping[str, float] | None = None,
        strong: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(decay=decay, target=target, share=share)
        checks.positive(pseudo=pseudo, ratio=ratio)
        if (weak is None) != (strong is None):
            raise UserError("bots needs the pass rates of both reference models, or of none")
        self.decay, self.target, self.pseudo, self.ratio = decay, target, pseudo, ratio
        self.posterior = Posterior(self.units, 1.0)
        self.standing, self.miss = 0.0, 0.0
        self.share = 0.0
        if weak is not None and strong is not None:
            self.information = "reference pass rates"
            self.share = share
            self.weak, self.strong = self._rates(weak), self._rates(strong)

    def _rates(self, given: Mapping[str, float]) -> Array:
        missing = [unit for unit in self.units if unit not in given]
        if missing:
            raise UserError(f"bots has no reference pass rate for unit {missing[0]!r}")
        for unit, rate in given.items():
            checks.fraction(**{f"reference pass rate of {unit}": rate})
        return np.array([given[unit] for unit in self.units], dtype=float)

    def scores(self, noise: np.random.Generator, k: int) -> tuple[IntArray, Array]:
        """Nearness of drawn pass rates to the target."""
        where = candidates(len(self.units), self.ratio * k, noise)
        return where, -np.abs(self.posterior.draw(noise, where) - self.target)

    def by_unit(self) -> Mapping[str, Array]:
        """What is believed of each unit."""
        return {"competence": self.posterior.mean()}

    def learn(self, batch: Batch) -> None:
        """Fade, count what was seen, and add what the reference models let expect."""
        where, wins, losses = tallies(batch)
        post, share = self.posterior, self.share / 2 if self.miss >= 0.25 else self.share
        for counts, seen in ((post.good, wins), (post.bad, losses)):
            counts *= 1 - self.decay
            counts += self.decay
            counts[where] += (1 - share) * seen
        if share:
            self._stand(where, wins / (wins + losses))
            expected = self.weak + self.standing * (self.strong - self.weak)
            post.good += share * self.pseudo * expected
            post.bad += share * self.pseudo * (1 - expected)

    def _stand(self, where: IntArray, rate: Array) -> None:
        """Where between the two reference models the learner stands."""
        weak, gap = self.weak[where], self.strong[where] - self.weak[where]
        expected = weak + self.standing * gap
        self.miss = 0.9 * self.miss + 0.1 * float(np.abs(expected - rate).mean())
        room = float((gap * gap).sum())
        if room > 0:  # least squares over the batch
            now = float(np.clip((gap * (rate - weak)).sum() / room, 0.0, 1.0))
            self.standing = 0.9 * self.standing + 0.1 * now
