"""Learning progress in both directions: the gap between a fast and a slow average of success.

Kanitscheider et al. 2021, "Multi-task curriculum learning in a complex, visual, hard-exploration
domain: Minecraft", arXiv 2106.14876; as used by Zhang et al. 2023, "OMNI: Open-endedness via Models
of human Notions of Interestingness", arXiv 2306.01711.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..graph import Prerequisites
from ..options import below_one, fraction, inside, positive
from ..signals.averages import FastSlow
from ..signals.guess_rate import GuessRate
from ..signals.improvement import Improvement
from ..signals.stagnation import Stagnation
from ..signals.staleness import Staleness
from ..state import Array


class BidirectionalLP(Base):
    """The default: in proportion to learning progress squared, unless a unit has stopped moving.

    Progress is |f(p_fast) - f(p_slow)| (see `FastSlow`), squared over its largest value. It is
    multiplied by the stagnation factor of the last `window` groups (see `Stagnation`), so that coin
    flips, impossible and mastered units fade. `floor` of the draws go to units by the time since
    they were drawn. The averages begin at 0, or at the first pass rate if that is at least one
    half, so that a unit which was always passed shows no progress.

    Units whose pass rate has improved by more than one half (see `Improvement`) can be learned,
    whatever they do now: `rest` times p_fast (1 - p_fast) is added to their weight. That is too
    little to matter while anything moves fast, and finishes what is left when nothing does.

    If the estimated guess rate (see `GuessRate`) is at least `noisy`, learning progress is
    dominated by sampling noise. The weight is then q (1 - q), where q is the fast average rescaled
    from [guess rate, mastery rate] to [0, 1]. The mastery rate is 1 - guess rate until a full
    window shows a higher rate. The rule, the rate and all five additions are this project's;
    docs/curriculum_bench.md says on what seeds of the simulated learner they were chosen.
    """

    name = "bidirectional_lp"
    version = 3
    family = "learning progress"
    paper = "Kanitscheider et al. 2021, arXiv 2106.14876"
    timed = True
    reaches_all = True
    saved = ("progress", "stagnation", "improvement", "staleness", "guess_rate")

    @dataclass(frozen=True)
    class Options(Base.Options):
        rate: float = fraction(0.3)
        """How far the fast average moves to a pass rate, and the slow average to the fast."""
        theta: float = inside(0.02)
        """How far low pass rates are magnified before they are compared; .5 leaves them."""
        baseline: float = below_one(0.0)
        """A guess rate that is known beforehand; progress counts above it."""
        window: int = positive(80)
        """Group means of a unit that the stagnation test compares."""
        floor: float = inside(0.12)
        """Share of the draws that goes to units by the time since they were drawn."""
        noisy: float = inside(0.05)
        """Estimated guess rate from which progress counts as noise."""
        rest: float = inside(0.001)
        """Weight of p_fast (1 - p_fast) for units that improved."""

    options: Options

    @override
    def setup(self) -> None:
        options = self.options
        self.progress = FastSlow(self.units, options.rate, options.theta, options.baseline)
        self.stagnation = Stagnation(self.units, options.window)
        self.improvement = Improvement(self.units)
        self.staleness = Staleness(self.units)
        self.guess_rate = GuessRate(self.units)

    def gate(self) -> Array:
        """Factor on the signal; noisy units are judged by full windows only."""
        return self.stagnation.late if self.guessing else self.stagnation.factor

    @property
    def guessing(self) -> bool:
        """Whether the guess rate is high enough to drown progress."""
        return self.options.noisy <= self.progress.above_guessing(self.guess_rate.level) < 0.5

    def wanted(self) -> Array:
        """Gated progress, and the rest of units that improved; under guessing q (1 - q)."""
        fast, gap = self.progress.fast, self.progress.gap
        if self.guessing:
            level = self.progress.above_guessing(self.guess_rate.level)
            mastery = max(1 - level, float(self.stagnation.mean.max()))
            q = np.clip((fast - level) / (mastery - level), 0, 1)
            return q * (1 - q) * self.gate()
        moving = gap * gap / (gap.max() or 1.0)
        left = fast * (1 - fast) * (self.improvement.width > 0.5)
        return moving * self.gate() + self.options.rest * left

    @override
    def weights(self) -> Array:
        wanted = self.wanted()
        wanted = wanted if wanted.any() else self.gate()
        return self.staleness.floor(wanted, self.options.floor, self.step)

    @override
    def on_sample(self, chosen: Sequence[int]) -> None:
        super().on_sample(chosen)
        self.staleness.drawn(chosen, self.step)

    @override
    def learn(self, batch: Batch) -> None:
        at, mean, count = batch.pooled()
        known = (self.improvement.groups[at] == 0) & (mean >= 0.5)
        self.progress.begin(at[known], mean[known])
        self.progress.update(at, mean, count)
        self.improvement.update(at, mean, count)
        self.stagnation.update(batch)
        _, size, _ = batch.pooled([len(outcome.pass_rates) for outcome in batch.outcomes])
        self.guess_rate.update(at, mean, count * size, len(batch))

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {
            "competence": self.progress.fast,
            "learning_progress": self.progress.gap,
            "stagnant": (self.stagnation.factor <= self.stagnation.low).astype(float),
        }

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"guess_rate": self.guess_rate.level, "guessing": float(self.guessing)}


class BidirectionalLPGraph(BidirectionalLP):
    """The default with a gate on the prerequisite graph (see `Prerequisites`).

    A unit waits until the weakest of all its ancestors is passed about half the time: `enough` of
    its groups, by a running average from 0.
    """

    name = "bidirectional_lp_graph"
    information = "prerequisite graph"
    saved = ("prerequisites",)

    @dataclass(frozen=True)
    class Options(BidirectionalLP.Options):
        enough: float = inside(0.5)
        """Competence of its weakest ancestor at which a unit is fully open."""
        power: float = positive(1.0)
        """Exponent of the gate; larger values close it more sharply."""

    options: Options  # pyright: ignore[reportIncompatibleVariableOverride]

    @override
    def setup(self) -> None:
        super().setup()
        options = self.options
        self.prerequisites = Prerequisites(
            self.pool, self.name, rate=options.rate, enough=options.enough, power=options.power
        )

    @override
    def gate(self) -> Array:
        return super().gate() * self.prerequisites.factor

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        self.prerequisites.update(*batch.pooled())

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {**super().by_unit(), "ready": self.prerequisites.factor}


class BidirectionalLPSyllabus(Base):
    """Bidirectional learning progress as the Syllabus library samples it.

    Sullivan et al. 2024, "Syllabus: Portable Curricula for Reinforcement Learning Agents", arXiv
    2411.11318. Among units with progress or with any success, progress is turned into a z-score and
    then through a logistic function into a weight; `uniform` of the draws go to all units alike.
    Until a unit has either, all are drawn alike.
    """

    name = "bidirectional_lp_syllabus"
    family = "learning progress"
    paper = "Sullivan et al. 2024 (Syllabus), arXiv 2411.11318"
    order_free = True
    reaches_all = True
    saved = ("progress",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        rate: float = fraction(0.1)
        """How far the fast average moves to a pass rate, and the slow average to the fast."""
        theta: float = inside(0.1)
        """How far low pass rates are magnified before they are compared; .5 leaves them."""
        baseline: float = below_one(0.0)
        """A guess rate that is known beforehand; progress counts above it."""
        uniform: float = inside(0.25)
        """Share of the draws that goes to all units alike."""

    options: Options

    @override
    def setup(self) -> None:
        options = self.options
        self.progress = FastSlow(self.units, options.rate, options.theta, options.baseline)

    @override
    def weights(self) -> Array:
        """sigmoid(z) of the candidates, over a uniform share."""
        gap, number = self.progress.gap, len(self.units)
        able = (gap > 0) | (self.progress.fast > 0)
        if not able.any():
            return np.ones(number)
        spread = gap[able].std()
        z = (gap[able] - gap[able].mean()) / (spread if spread > 0 else 1.0)
        wanted = np.zeros(number)
        wanted[able] = 1 / (1 + np.exp(-z))
        return wanted * ((1 - self.options.uniform) / wanted.sum()) + self.options.uniform / number

    @override
    def learn(self, batch: Batch) -> None:
        self.progress.update(*batch.pooled())

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"competence": self.progress.fast, "learning_progress": self.progress.gap}
