"""A curriculum around another one, which is named by its `make` specification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..base import Base, normalised
from ..batch import Batch
from ..interface import Choice, Outcome
from ..pool import Pool
from ..state import Array


class Around(Base):
    """Draws, learns and admits as `inner` does; the place to add one thing to it."""

    family = "wrapper"
    saved = ("inner",)

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0, inner: str = "uniform") -> None:
        from ..catalogue import make  # the catalogue lists wrappers too

        super().__init__(pool, seed)
        self.inner = make(inner, self.pool, seed)
        self.information = self.inner.information
        self.needs = self.inner.needs
        self.timed, self.order_free = self.inner.timed, self.inner.order_free
        self.reaches_all, self.distinct = self.inner.reaches_all, self.inner.distinct
        self.refill = max(self.refill, self.inner.refill)

    def sample(self, k: int) -> list[Choice]:
        """What `inner` draws."""
        drawn = self.inner.sample(k)
        self.step = self.inner.step
        self.changed()
        return drawn

    def chances(self) -> Array:
        """Those of `inner`."""
        return self.inner.chances()

    def learn(self, batch: Batch) -> None:
        """`inner` learns from every group, admitted or not."""
        self.inner.learn(batch)
        self.inner.changed()

    def admit(self, outcome: Outcome) -> bool:
        """What `inner` admits."""
        return self.inner.admit(outcome)

    def by_unit(self) -> Mapping[str, Array]:
        """What `inner` believes."""
        return self.inner.by_unit()

    def metrics(self) -> Mapping[str, float]:
        """Those of `inner`, and how concentrated the draws are."""
        return {**self.inner.metrics(), **super().metrics()}


class Reweighted(Around):
    """Independent draws in proportion to the chances of `inner` times a factor by unit."""

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0, inner: str = "uniform") -> None:
        super().__init__(pool, seed, inner)
        self.distinct = False

    def factor(self) -> Array:
        """What the chances are multiplied by."""
        raise NotImplementedError

    def sample(self, k: int) -> list[Choice]:
        """Draws of its own, which `inner` hears of."""
        return Base.sample(self, k)

    def chances(self) -> Array:
        """Chances of `inner` times the factor; of all units alike where nothing is left."""
        if self._chances is None:
            self._chances = normalised(self.inner.chances() * self.factor())
        return self._chances

    def noted(self, chosen: Sequence[int]) -> None:
        """Both count the step."""
        super().noted(chosen)
        self.inner.noted(chosen)


def kept(mask: Array) -> Array:
    """The factor that leaves only some units, or all where the mask leaves none."""
    return mask if mask.any() else np.ones(len(mask))
