"""Learning progress in both directions: the gap between a fast and a slow average of success.

Kanitscheider et al. 2021, "Multi-task curriculum learning in a complex, visual, hard-exploration
domain: Minecraft", arXiv 2106.14876; as used by Zhang et al. 2023, "OMNI: Open-endedness via Models
of human Notions of Interestingness", arXiv 2306.01711.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..graph import Prerequisites
from ..pool import Pool
from ..signals.averages import FastSlow
from ..signals.luck import Luck
from ..signals.rise import Rise
from ..signals.staleness import Staleness
from ..signals.windows import Boredom
from ..state import Array


class BidirectionalLP(Base):
    """The default: in proportion to learning progress squared, unless a unit has stopped moving.

    Progress is |f(p_fast) - f(p_slow)| (see `FastSlow`), squared over its largest value; it is
    multiplied by the boredom factor of the last `window` groups (see `Boredom`), so that coin
    flips, impossible and mastered units fade; `floor` of the draws go to units by the time since
    they were drawn. Averages begin at 0, or at the first pass rate where that is half or more: what
    is passed at first sight is no progress.

    Units whose pass rate has come at least half the way (see `Rise`) can be learned, whatever they
    do now: `rest` times p_fast (1 - p_fast) is added to their weight. It is too little to matter
    while anything moves fast, and finishes what is left when nothing does.

    Where `noisy` or more of the answers pass by luck (see `Luck`), progress of units that do not
    learn is noise, and larger than any signal. There q (1 - q) takes the place of both, with q the
    fast average from the rate of luck up to that of mastery: as far below 1, until a window shows
    more. The rule, the rate and all five additions are this project's; docs/curriculum_bench.md
    says on what seeds of the simulated learner they were chosen.
    """

    name = "bidirectional_lp"
    version = 3
    family = "learning progress"
    paper = "Kanitscheider et al. 2021, arXiv 2106.14876"
    timed = True
    reaches_all = True
    saved = ("progress", "boredom", "rise", "staleness", "luck")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        rate: float = 0.3,
        theta: float = 0.02,
        baseline: float = 0.0,
        window: int = 80,
        floor: float = 0.12,
        noisy: float = 0.05,
        rest: float = 0.001,
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(rate=rate)
        checks.inside(theta=theta, floor=floor, noisy=noisy, rest=rest)
        checks.positive(window=window)
        if not 0 <= baseline < 1:
            checks.inside(baseline=baseline)
        self.floor, self.noisy, self.rest = floor, noisy, rest
        self.progress = FastSlow(self.units, rate, theta, baseline)
        self.boredom = Boredom(self.units, window)
        self.rise = Rise(self.units)
        self.staleness = Staleness(self.units)
        self.luck = Luck(self.units)

    def gate(self) -> Array:
        """What the signal is multiplied by; answers that pass by luck take longer to judge."""
        return self.boredom.late if self.lucky else self.boredom.factor

    @property
    def lucky(self) -> bool:
        """Whether enough answers pass by luck to drown progress."""
        return self.noisy <= self.progress.above_guessing(self.luck.level) < 0.5

    def wanted(self) -> Array:
        """Gated progress and what is left of units that rose; or what is left to learn by luck."""
        fast, gap = self.progress.fast, self.progress.gap
        if self.lucky:
            level = self.progress.above_guessing(self.luck.level)
            mastery = max(1 - level, float(self.boredom.mean.max()))
            q = np.clip((fast - level) / (mastery - level), 0, 1)
            return q * (1 - q) * self.gate()
        moving = gap * gap / (gap.max() or 1.0)
        left = fast * (1 - fast) * (self.rise.width > 0.5)
        return moving * self.gate() + self.rest * left

    def weights(self) -> Array:
        """What is wanted, over the staleness floor; the gate alone while nothing is."""
        wanted = self.wanted()
        return self.staleness.floor(wanted if wanted.any() else self.gate(), self.floor, self.step)

    def noted(self, chosen: Sequence[int]) -> None:
        """The floor goes by when a unit was drawn."""
        super().noted(chosen)
        self.staleness.drawn(chosen, self.step)

    def learn(self, batch: Batch) -> None:
        """Both averages, how far they came, the windows of boredom, and what luck gives."""
        at, mean, count = batch.pooled()
        known = (self.rise.groups[at] == 0) & (mean >= 0.5)
        self.progress.begin(at[known], mean[known])
        self.progress.update(at, mean, count)
        self.rise.update(at, mean, count)
        self.boredom.update(batch)
        _, size, _ = batch.pooled([len(one.rewards) for one in batch.outcomes])
        self.luck.update(at, mean, count * size, len(batch))

    def by_unit(self) -> Mapping[str, Array]:
        """Competence, progress, and which units bore."""
        return {
            "competence": self.progress.fast,
            "learning_progress": self.progress.gap,
            "bored": (self.boredom.factor <= self.boredom.low).astype(float),
        }


class BidirectionalLPGraph(BidirectionalLP):
    """The default with a gate on the prerequisite graph (see `Prerequisites`).

    A unit waits until the weakest of all its ancestors is passed about half the time: `enough` of
    its groups, by a running average from 0.
    """

    name = "bidirectional_lp_graph"
    information = "prerequisite graph"
    saved = ("prerequisites",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        rate: float = 0.3,
        theta: float = 0.02,
        baseline: float = 0.0,
        window: int = 80,
        floor: float = 0.12,
        noisy: float = 0.05,
        rest: float = 0.001,
        enough: float = 0.5,
        power: float = 1.0,
    ) -> None:
        super().__init__(pool, seed, rate, theta, baseline, window, floor, noisy, rest)
        checks.positive(power=power)
        checks.inside(enough=enough)
        self.prerequisites = Prerequisites(
            self.pool, self.name, rate=rate, enough=enough, power=power
        )

    def gate(self) -> Array:
        """Boredom and the graph."""
        return super().gate() * self.prerequisites.factor

    def learn(self, batch: Batch) -> None:
        """Also the competence of parts."""
        super().learn(batch)
        self.prerequisites.update(*batch.pooled())


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

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        rate: float = 0.1,
        theta: float = 0.1,
        baseline: float = 0.0,
        uniform: float = 0.25,
    ) -> None:
        super().__init__(pool, seed)
        checks.fraction(rate=rate)
        checks.inside(theta=theta, uniform=uniform)
        if not 0 <= baseline < 1:
            checks.inside(baseline=baseline)
        self.uniform = uniform
        self.progress = FastSlow(self.units, rate, theta, baseline)

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
        return wanted * ((1 - self.uniform) / wanted.sum()) + self.uniform / number

    def learn(self, batch: Batch) -> None:
        """Both averages."""
        self.progress.update(*batch.pooled())

    def by_unit(self) -> Mapping[str, Array]:
        """Competence and progress."""
        return {"competence": self.progress.fast, "learning_progress": self.progress.gap}
