"""Parts of the default around any curriculum: stagnation, prerequisites, a staleness floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..graph import Prerequisites
from ..options import inside, positive
from ..signals.stagnation import Stagnation
from ..signals.staleness import Staleness
from ..state import Array
from .around import Reweighted


class WithStagnation(Reweighted):
    """Probabilities of `inner` times the stagnation factor of each unit (see `Stagnation`)."""

    name = "with_stagnation"
    version = 2
    paper = "this project"
    saved = ("stagnation",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        window: int = positive(80)
        """Group means of a unit that the stagnation test compares."""

    options: Options

    @override
    def setup(self) -> None:
        self.stagnation = Stagnation(self.units, self.options.window)
        self.order_free = False

    @override
    def factor(self) -> Array:
        return self.stagnation.factor

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        self.stagnation.update(batch)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        stagnant = self.stagnation.factor <= self.stagnation.low
        return {**super().by_unit(), "stagnant": stagnant.astype(float)}


class WithPrerequisites(Reweighted):
    """Probabilities of `inner` times the gate on the prerequisite graph (see `Prerequisites`)."""

    name = "with_prerequisites"
    paper = "this project"
    information = "prerequisite graph"
    saved = ("prerequisites",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        enough: float = inside(0.5)
        """Competence of its weakest ancestor at which a unit is fully open."""
        power: float = positive(1.0)
        """Exponent of the gate; larger values close it more sharply."""

    options: Options

    @override
    def setup(self) -> None:
        enough, power = self.options.enough, self.options.power
        self.prerequisites = Prerequisites(self.pool, self.name, enough=enough, power=power)
        self.information = type(self).information

    @override
    def factor(self) -> Array:
        return self.prerequisites.factor

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        self.prerequisites.update(*batch.pooled())

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {**super().by_unit(), "ready": self.prerequisites.factor}


class WithStaleness(Reweighted):
    """`inner`, but `share` of the draws go to units by the time since they were drawn."""

    name = "with_staleness"
    paper = "Jiang et al. 2020 (PLR), arXiv 2010.03934"
    saved = ("staleness",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        share: float = inside(0.1)
        """Share of the draws that goes to units by the time since they were drawn."""

    options: Options

    @override
    def setup(self) -> None:
        self.staleness = Staleness(self.units)
        self.timed = self.reaches_all = True

    @override
    def unit_probabilities(self) -> Array:
        if self._probabilities is None:
            inner = self.inner.unit_probabilities()
            self._probabilities = self.staleness.floor(inner, self.options.share, self.step)
        return self._probabilities

    @override
    def on_sample(self, chosen: Sequence[int]) -> None:
        super().on_sample(chosen)
        self.staleness.drawn(chosen, self.step)

    @override
    def own_metrics(self) -> Mapping[str, float]:
        return {"mean_age": float(self.staleness.ages(self.step).mean())}
