"""GAIN-RL: prompts in the order of how alike the directions of their hidden states are.

Wang et al. 2025, "Angles Don't Lie: Unlocking Training-Efficient RL Through the Model's Own
Signals", arXiv 2506.02281.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import UserError
from .. import checks
from ..batch import Batch, pool_by
from ..interface import Outcome
from ..pickers import Best
from ..pool import Pool
from ..state import Array


class GainRL(Best):
    """A bell over the ranks of units by angle concentration; its centre moves on with accuracy.

    Needs `features` of outcomes: their first number is the prompt's angle concentration (see
    `angle_concentration`). Rank 0 is the most concentrated, units without features share the
    middle. A batch is drawn without replacement in proportion to exp(-((rank - mu) / width)^2 / 2);
    after each step mu moves by step (tanh(a (R - b)) + tanh(a angle)), never back, with R the mean
    reward and `angle` the mean concentration of the step, at most by `width`. Both are shares of
    the pool: .1 and .05 are the paper's 1000 and 500 for its 10,000 prompts.
    """

    name = "gain_rl"
    family = "model signals"
    paper = "Wang et al. 2025, arXiv 2506.02281"
    information = "hidden states"
    needs = frozenset({"features"})
    order_free = True
    rows = ("concentration", "known")
    saved = ("centre",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        width: float = 0.1,
        stride: float = 0.05,
        sharpness: float = 2.0,
        wanted: float = 0.5,
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(width=width, stride=stride, sharpness=sharpness)
        checks.fraction(wanted=wanted)
        number = len(self.units)
        self.width, self.stride = max(width * number, 1.0), stride * number
        self.sharpness, self.wanted = sharpness, wanted
        self.concentration = np.zeros(number)
        self.known = np.zeros(number, dtype=bool)
        self.centre = 0.0
        self._ranks: Array | None = None

    def ranks(self) -> Array:
        """Rank of each unit by concentration, from 0; equal and unknown ones share."""
        if self._ranks is not None:
            return self._ranks
        known = self.concentration[self.known]
        values, counts = np.unique(known, return_counts=True)
        middle = len(known) - np.cumsum(counts) + (counts - 1) / 2
        ranks = np.full(len(self.units), (len(self.units) - 1) / 2)
        ranks[self.known] = middle[np.searchsorted(values, known)] if len(known) else 0.0
        self._ranks = ranks
        return ranks

    def scores(self, noise: np.random.Generator, k: int) -> Array:
        """Scores whose best k are draws without replacement."""
        bell = -(((self.ranks() - self.centre) / self.width) ** 2) / 2
        return bell + noise.gumbel(size=len(self.units))

    def checked(self, outcomes: Sequence[Outcome]) -> Batch:
        """Features must be finite."""
        for outcome in outcomes:
            if outcome.features and not math.isfinite(outcome.features[0]):
                unit = outcome.choice.unit
                raise UserError(f"unit {unit!r} has the feature {outcome.features[0]}")
        return super().checked(outcomes)

    def learn(self, batch: Batch) -> None:
        """Note concentrations, and move on."""
        angles = [one.features[0] for one in batch.outcomes if one.features]
        told = [at for at, one in zip(batch.where, batch.outcomes, strict=True) if one.features]
        at, mean, _ = pool_by(told, angles)
        if not (self.known[at].all() and (self.concentration[at] == mean).all()):
            self.concentration[at], self.known[at] = mean, True
            self._ranks = None
        reward, angle = sum(batch.means) / len(batch), sum(angles) / max(len(angles), 1)
        move = math.tanh(self.sharpness * (reward - self.wanted)) + math.tanh(
            self.sharpness * angle
        )
        self.centre += min(max(self.stride * move, 0.0), self.width)
        self.centre = min(self.centre, len(self.units) - 1.0)

    def refresh(self) -> None:
        """Ranks follow from concentrations."""
        self._ranks = None
        self.changed()

    def metrics(self) -> Mapping[str, float]:
        """Also the centre, as a share of the pool."""
        return {**super().metrics(), "centre": self.centre / len(self.units)}


def angle_concentration(hidden: np.ndarray, split: int, across: float = 8.0) -> float:
    """How alike hidden states (tokens, size) point: mean cosine within and across two segments.

    Segments are the tokens before `split` (instructions) and from there on (the question). The mean
    cosine between different tokens of the same segment, plus `across` times that between segments.
    Raises `UserError` when a segment is empty or a state is zero or not finite.
    """
    tokens = len(hidden)
    if not 0 < split < tokens:
        raise UserError(f"{tokens} tokens cannot be split at {split}")
    length = np.linalg.norm(hidden, axis=1, keepdims=True)
    if not (np.isfinite(length).all() and (length > 0).all()):
        raise UserError("a hidden state is zero or not finite")
    cosine = (hidden / length) @ (hidden / length).T
    same = np.zeros((tokens, tokens), dtype=bool)
    same[:split, :split] = same[split:, split:] = True
    within = same & ~np.eye(tokens, dtype=bool)
    inner = float(cosine[within].mean()) if within.any() else 0.0
    return inner + across * float(cosine[~same].mean())
