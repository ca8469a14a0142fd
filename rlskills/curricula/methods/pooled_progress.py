"""Learning progress that pools over levels where single units have too few groups to show it.

The rule is this project's. Levels as arms that are paid in absolute advantage are those of Chen et
al. 2025, "Self-Evolving Curriculum for LLM Reasoning", arXiv 2505.14970 (`sec.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import normalised
from ..batch import Batch
from ..options import fraction, inside, positive
from ..pickers import softmax
from ..pool import Pool
from ..signals.agreement import Agreement
from ..signals.averages import Average
from ..state import Array
from .bidirectional_lp import BidirectionalLP

RARE = 1e-4
"""Chance of a unit below which its groups weigh no more in the mean of its level."""


class PooledProgress(BidirectionalLP):
    """trust D + (1 - trust) L x D within the level: units by progress, levels by what they pay.

    D are the chances of `bidirectional_lp`. L is a softmax over levels of Q / temperature, Q a
    running average of the mean |advantage| of its groups. Since D draws live units more often,
    each group weighs 1 / chance: a level is judged by what its units would give if all were drawn
    alike. A step that shows fewer than `sample` effective groups of a level moves its Q less.

    Trust in single units is 0 while the answers of a group agree (see `Agreement`: a group then
    says little of its unit) or units have few groups: clip((worth - low) / (high - low), 0, 1)
    N / (N + need), worth that of an answer in independent ones, N groups per unit so far. Where
    answers are independent and groups many, the method becomes the default.

    Units without a level are a level of their own; in a pool without levels, or with only one, it
    draws what `bidirectional_lp` draws.
    """

    name = "pooled_progress"
    version = 1
    paper = "this project"
    information = "level labels"
    saved = ("quality", "agreement")
    rows = ("chance",)

    @dataclass(frozen=True)
    class Options(BidirectionalLP.Options):
        temperature: float = positive(0.1)
        """Of the softmax over levels; lower is greedier."""
        level_rate: float = fraction(0.3)
        """How far the average of a level moves to what it paid in a step."""
        sample: float = positive(3.0)
        """Effective groups of a level in a step that move its average by the whole rate."""
        low: float = inside(0.4)
        """Worth of an answer, in independent ones, below which single units are not trusted."""
        high: float = inside(0.8)
        """Worth of an answer from which they are."""
        need: float = positive(10.0)
        """Groups per unit at which trust is half of what the worth allows."""

    options: Options  # pyright: ignore[reportIncompatibleVariableOverride]

    @override
    def setup(self) -> None:
        super().setup()
        self.level_of, self.level_names = levels_of(self.pool)
        self.pools = len(self.level_names) > 1
        self.information = "level labels" if self.pools else "none"
        self.quality = Average(self.level_names, self.options.level_rate)
        self.agreement = Agreement(self.units)
        self.chance = np.full(len(self.units), 1 / len(self.units))

    @property
    def trust(self) -> float:
        """Share of the draws that goes by single units, in [0, 1]."""
        options, agreement = self.options, self.agreement
        known = (agreement.worth - options.low) / max(options.high - options.low, 1e-9)
        per_unit = agreement.groups / len(self.units)
        return min(max(known, 0.0), 1.0) * per_unit / (per_unit + options.need)

    @override
    def weights(self) -> Array:
        units = super().weights()
        if not self.pools:
            return units
        units = normalised(units)
        share = np.bincount(self.level_of, units)
        levels = softmax(self.quality.value, self.options.temperature)
        # The floor of the default leaves no unit, so no level, without a chance.
        return self.trust * units + (1 - self.trust) * (levels / share)[self.level_of] * units

    @override
    def on_sample(self, chosen: Sequence[int]) -> None:
        self.chance[chosen] = self.unit_probabilities()[chosen]
        super().on_sample(chosen)

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        self.agreement.update(batch)
        level, number = self.level_of[batch.where], len(self.level_names)
        weight = 1 / np.maximum(self.chance[batch.where], RARE)
        total = np.bincount(level, weight, number)
        paid = np.bincount(level, weight * np.array(batch.advantages()), number)
        squares = np.bincount(level, weight**2, number)
        seen = np.flatnonzero(total)
        groups = total[seen] ** 2 / squares[seen]
        enough = np.minimum(groups / self.options.sample, 1.0)
        self.quality.update(seen, paid[seen] / total[seen], enough)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {**super().by_unit(), "level_gain": self.quality.value[self.level_of]}

    @override
    def own_metrics(self) -> Mapping[str, float]:
        agreement = {"trust": self.trust, "answer_correlation": self.agreement.correlation}
        return {**super().own_metrics(), **agreement}


def levels_of(pool: Pool) -> tuple[np.ndarray, tuple[str, ...]]:
    """The position of each unit's level, and the levels' names in order; unknown ones come last."""
    labels = [pool.levels.get(unit) for unit in pool.units]
    known = sorted({label for label in labels if label is not None})
    ordered: list[int | None] = [*known, *([None] if None in labels else [])]
    position = {label: i for i, label in enumerate(ordered)}
    names = tuple("none" if label is None else str(label) for label in ordered)
    return np.array([position[label] for label in labels], dtype=np.int64), names
