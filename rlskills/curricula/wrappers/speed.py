"""SPEED: a few rollouts first; only units that are neither solved nor hopeless get the rest.

Zhang et al. 2025, "SPEED-RL: Faster Training of Reasoning Models via Online Curriculum Learning",
arXiv 2506.09016.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from ..batch import Batch
from ..interface import Choice, Outcome
from ..pool import Pool
from ..state import Array
from .around import Around


class SPEED(Around):
    """Screens units of `inner` with `screen` rollouts; mixed ones come back with `rest` more.

    A choice is tagged `screen` or `main` and asks for that many rollouts. Screening groups are not
    learned from, but `inner` sees them. A batch first holds the units that passed, in the order in
    which they did, then new ones to screen; `probabilities` are shares of such a batch.
    """

    name = "speed"
    family = "gate"
    paper = "Zhang et al. 2025, arXiv 2506.09016"
    saved = ("passed", "batch")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        screen: int = 4,
        rest: int = 12,
    ) -> None:
        super().__init__(pool, seed, inner)
        checks.positive(screen=screen, rest=rest)
        self.screen, self.rest = screen, rest
        self.passed: list[str] = []
        self.batch = 1
        self.order_free = False
        self.reaches_all = False  # not while units that passed fill a batch

    def sample(self, k: int) -> list[Choice]:
        """Units that passed, then units to screen."""
        main = self.passed[: max(k, 0)]
        fresh = self.inner.sample(k - len(main))
        self.batch = k or self.batch
        self.step += k > 0
        self.passed = self.passed[len(main) :]
        self.changed()
        return [
            *(Choice(unit, 1.0, self.step, None, self.rest, "main") for unit in main),
            *(Choice(c.unit, c.prob, self.step, None, self.screen, "screen") for c in fresh),
        ]

    def chances(self) -> Array:
        """Expected shares of the next batch."""
        main = self.passed[: self.batch]
        shares = self.inner.chances() * (1 - len(main) / self.batch)
        for unit in main:
            shares[self.index[unit]] += 1 / self.batch
        return shares

    def learn(self, batch: Batch) -> None:
        """Screened units with mixed rewards have passed."""
        super().learn(batch)
        for outcome in batch.outcomes:
            if outcome.choice.tag == "screen" and not outcome.dead:
                self.passed.append(outcome.choice.unit)

    def admit(self, outcome: Outcome) -> bool:
        """Only what follows the screening."""
        return outcome.choice.tag != "screen" and self.inner.admit(outcome)

    def refresh(self) -> None:
        """Units that have left the pool do not come back."""
        self.passed = [unit for unit in self.passed if unit in self.index]
        self.changed()
