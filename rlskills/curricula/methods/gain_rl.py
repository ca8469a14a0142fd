"""GAIN-RL: prompts in the order of how alike the directions of their hidden states are.

Wang et al. 2025, "Angles Don't Lie: Unlocking Training-Efficient RL Through the Model's Own
Signals", arXiv 2506.02281.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ...errors import UserError
from ..base import Base
from ..batch import Batch, pool_by
from ..interface import Outcome
from ..options import fraction, positive
from ..pickers import Best
from ..state import Array


class GainRL(Best):
    """A bell over the ranks of units by angle concentration; its centre moves on with accuracy.

    Needs `features` of outcomes: their first number is the prompt's angle concentration (see
    `angle_concentration`). Rank 0 is the most concentrated, units without features share the
    middle. A batch is drawn without replacement in proportion to exp(-((rank - mu) / width)^2 / 2);
    after each step mu moves by step (tanh(a (R - b)) + tanh(a angle)), never back, with R the mean
    pass rate and `angle` the mean concentration of the step, at most by `width`. Both are shares of
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

    @dataclass(frozen=True)
    class Options(Base.Options):
        width: float = positive(0.1)
        """Width of the bell, as a share of the pool."""
        stride: float = positive(0.05)
        """Scale of a move of the centre, as a share of the pool."""
        sharpness: float = positive(2.0)
        """How soon a move approaches its largest size: the a of the rule."""
        wanted: float = fraction(0.5)
        """Mean pass rate that moves the centre by the angles alone: the b of the rule."""

    options: Options

    @override
    def setup(self) -> None:
        number = len(self.units)
        self.width = max(self.options.width * number, 1.0)
        self.stride = self.options.stride * number
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

    @override
    def scores(self, noise: np.random.Generator, k: int) -> Array:
        bell = -(((self.ranks() - self.centre) / self.width) ** 2) / 2
        return bell + noise.gumbel(size=len(self.units))

    @override
    def checked(self, outcomes: Sequence[Outcome]) -> Batch:
        for outcome in outcomes:
            if outcome.features and not math.isfinite(outcome.features[0]):
                unit = outcome.choice.unit
                raise UserError(f"unit {unit!r} has the feature {outcome.features[0]}")
        return super().checked(outcomes)

    @override
    def learn(self, batch: Batch) -> None:
        pairs = zip(batch.where, batch.outcomes, strict=True)
        measured = [(at, group.features[0]) for at, group in pairs if group.features]
        angles = [angle for _, angle in measured]
        at, mean, _ = pool_by([at for at, _ in measured], angles)
        if not (self.known[at].all() and (self.concentration[at] == mean).all()):
            self.concentration[at], self.known[at] = mean, True
            self._ranks = None
        rate, angle = sum(batch.means) / len(batch), sum(angles) / max(len(angles), 1)
        sharpness, wanted = self.options.sharpness, self.options.wanted
        move = math.tanh(sharpness * (rate - wanted)) + math.tanh(sharpness * angle)
        self.centre += min(max(self.stride * move, 0.0), self.width)
        self.centre = min(self.centre, len(self.units) - 1.0)

    @override
    def refresh(self) -> None:
        self._ranks = None
        self.invalidate()

    @override
    def own_metrics(self) -> Mapping[str, float]:
        known = float(self.known.mean())
        return {"centre": self.centre / len(self.units), "known": known}

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"concentration": self.concentration}


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
