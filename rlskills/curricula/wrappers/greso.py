"""GRESO: units whose groups were dead several times in a row are mostly skipped, before rollouts.

Zheng et al. 2025, "Act Only When It Pays: Efficient Reinforcement Learning for LLM Reasoning via
Selective Rollouts", arXiv 2506.02177.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..batch import Batch
from ..pool import Pool
from ..state import Array
from .around import Reweighted


class GRESO(Reweighted):
    """Chances of `inner` times max(q^z, least), z the number of dead groups in a row.

    A run is easy (all at `easy` or above) or hard (all at `hard` or below), each with its own q;
    any other group ends it. After each step q moves by `step_size` within [.05, .95]: up while
    fewer groups than its target are dead in that way, else down. Skipping a draw and drawing again
    is the same as these chances. (The paper starts
    in its second epoch; here a unit without a dead group is never skipped.)
    """

    name = "greso"
    family = "gate"
    paper = "Zheng et al. 2025, arXiv 2506.02177"
    rows = ("run", "is_easy")
    saved = ("q_easy", "q_hard")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        easy: float = 0.98,
        hard: float = 0.11,
        easy_target: float = 0.083,
        hard_target: float = 0.167,
        step_size: float = 0.01,
        least: float = 0.01,
    ) -> None:
        super().__init__(pool, seed, inner)
        checks.fraction(easy_target=easy_target, hard_target=hard_target, step_size=step_size)
        checks.ordered(hard, easy)
        checks.inside(least=least)
        self.easy, self.hard, self.least = easy, hard, least
        self.easy_target, self.hard_target, self.step_size = easy_target, hard_target, step_size
        self.run = np.zeros(len(self.units), dtype=np.int64)
        self.is_easy = np.zeros(len(self.units), dtype=bool)
        self.q_easy, self.q_hard = 0.5, 0.5
        self.order_free = False  # a run is a matter of order

    def factor(self) -> Array:
        """The chance that a draw is not skipped."""
        base = np.where(self.is_easy, self.q_easy, self.q_hard)
        return np.maximum(base**self.run, self.least)

    def learn(self, batch: Batch) -> None:
        """Runs in the order of the groups, then both q from the shares of dead groups."""
        super().learn(batch)
        easy = hard = 0
        for at, mean in zip(batch.where, batch.means, strict=True):
            is_easy, is_hard = mean >= self.easy, mean <= self.hard
            easy, hard = easy + is_easy, hard + is_hard
            if not (is_easy or is_hard):
                self.run[at] = 0
            elif self.run[at] and self.is_easy[at] != is_easy:
                self.run[at] = 1
            else:
                self.run[at] += 1
            self.is_easy[at] = is_easy
        self.q_easy = self._moved(self.q_easy, easy / len(batch), self.easy_target)
        self.q_hard = self._moved(self.q_hard, hard / len(batch), self.hard_target)

    def _moved(self, q: float, share: float, target: float) -> float:
        move = self.step_size if share < target else -self.step_size
        return min(max(q + move, 0.05), 0.95)

    def metrics(self) -> Mapping[str, float]:
        """Also both q."""
        return {**super().metrics(), "q_easy": self.q_easy, "q_hard": self.q_hard}
