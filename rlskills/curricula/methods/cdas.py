"""CDAS: prompts whose difficulty matches the model's competence, both from all of history.

Kong et al. 2025, "Rethinking the Sampling Criteria in Reinforcement Learning for LLM Reasoning: A
Competence-Difficulty Alignment Perspective", arXiv 2505.17652.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from typing_extensions import override

from ..batch import Batch
from ..pickers import Best, best
from ..state import Array


class CDAS(Best):
    """Half of a batch are the units nearest below the competence R, half the nearest above.

    A visit of unit i makes its difficulty D_i the running mean over all its visits (its start at 0
    counts as one) of sigmoid(R - D_i) - pass rate; R then falls by the sum of the changes of D /
    number of units. Units never visited come first. As these are means over all of history, they
    move ever more slowly.
    """

    name = "cdas"
    family = "learnability"
    paper = "Kong et al. 2025, arXiv 2505.17652"
    order_free = True
    rows = ("difficulty", "visits")
    saved = ("competence",)

    @override
    def setup(self) -> None:
        self.difficulty, self.visits = np.zeros(len(self.units)), np.zeros(len(self.units))
        self.competence = 0.0

    @override
    def select(self, noise: np.random.Generator, k: int) -> list[int]:
        # First what was never seen; then from both sides, each filling up for the other.
        fresh = np.flatnonzero(self.visits == 0)
        chosen = fresh[best(np.zeros(len(fresh)), k, noise)].tolist() if len(fresh) else []
        while len(chosen) < k:
            chosen += self._around(noise, min(k - len(chosen), len(self.units)))
        return chosen

    def _around(self, noise: np.random.Generator, k: int) -> list[int]:
        distance = self.difficulty - self.competence
        below, above = np.flatnonzero(distance < 0), np.flatnonzero(distance >= 0)
        low = min(max(k // 2, k - len(above)), len(below))
        parts = ((below, low), (above, k - low))
        picked = [
            side[best(-np.abs(distance[side]), count, noise)] for side, count in parts if count
        ]
        return np.concatenate(picked).tolist()

    @override
    def learn(self, batch: Batch) -> None:
        at, mean, _ = batch.pooled()
        self.visits[at] += 1
        part = 1 / (self.visits[at] + 1)
        old = self.difficulty[at]
        expected = 1 / (1 + np.exp(old - self.competence))
        new = (1 - part) * old + part * (expected - mean)
        self.difficulty[at] = new
        self.competence -= float((new - old).sum()) / len(self.units)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"difficulty": self.difficulty}

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"ability": self.competence}
