"""Pieces of the default around any other curriculum: boredom, a staleness floor, prerequisites."""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from ..batch import Batch
from ..graph import Prerequisites
from ..pool import Pool
from ..signals.staleness import Staleness
from ..signals.windows import Boredom
from ..state import Array
from .around import Reweighted


class WithBoredom(Reweighted):
    """Chances of `inner` times the boredom factor of the last `window` groups (see `Boredom`)."""

    name = "with_boredom"
    version = 2
    paper = "this project"
    saved = ("boredom",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        window: int = 80,
    ) -> None:
        super().__init__(pool, seed, inner)
        checks.positive(window=window)
        self.boredom = Boredom(self.units, window)
        self.order_free = False

    def factor(self) -> Array:
        """Less for units that stopped moving."""
        return self.boredom.factor

    def learn(self, batch: Batch) -> None:
        """Also the windows."""
        super().learn(batch)
        self.boredom.update(batch)


class WithPrerequisites(Reweighted):
    """Chances of `inner` times the prerequisite gate on the graph (see `Prerequisites`)."""

    name = "with_prerequisites"
    paper = "this project"
    information = "prerequisite graph"
    saved = ("prerequisites",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        enough: float = 0.5,
        power: float = 1.0,
    ) -> None:
        super().__init__(pool, seed, inner)
        checks.inside(enough=enough)
        checks.positive(power=power)
        self.prerequisites = Prerequisites(self.pool, self.name, enough=enough, power=power)
        self.information = type(self).information

    def factor(self) -> Array:
        """Less for units whose parts are not learned."""
        return self.prerequisites.factor

    def learn(self, batch: Batch) -> None:
        """Also the competence of parts."""
        super().learn(batch)
        self.prerequisites.update(*batch.pooled())


class WithStaleness(Reweighted):
    """`inner`, but `share` of the draws go to units by the time since they were drawn."""

    name = "with_staleness"
    paper = "Jiang et al. 2020 (PLR), arXiv 2010.03934"
    saved = ("staleness",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        inner: str = "uniform",
        share: float = 0.1,
    ) -> None:
        super().__init__(pool, seed, inner)
        checks.inside(share=share)
        self.share = share
        self.staleness = Staleness(self.units)
        self.timed = self.reaches_all = True

    def chances(self) -> Array:
        """Chances of `inner` over the floor."""
        if self._chances is None:
            self._chances = self.staleness.floor(self.inner.chances(), self.share, self.step)
        return self._chances

    def noted(self, chosen: Sequence[int]) -> None:
        """The floor goes by when a unit was drawn."""
        super().noted(chosen)
        self.staleness.drawn(chosen, self.step)
