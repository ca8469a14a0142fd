"""How many rollouts each group gets: more where outcomes are uncertain, at the same total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..interface import Choice
from ..options import ensure_group_sizes, fraction
from ..pickers import allocate
from ..signals.posterior import Posterior
from ..state import Array
from .around import Around


class Allocated(Around):
    """Neyman's allocation over the choices of `inner`: rollouts in proportion to sqrt(p (1 - p)).

    p is the mean of a posterior that keeps `decay` of the evidence before a visit. Groups get
    between `low` and `high` rollouts, `mean` on average over a batch.
    """

    name = "allocated"
    family = "wrapper"
    paper = "Neyman 1934"

    saved = ("posterior",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        mean: int = 8
        """Rollouts per group, on average over a batch."""
        low: int = 4
        """Fewest rollouts of a group."""
        high: int = 16
        """Most rollouts of a group."""
        decay: float = fraction(0.5)
        """Share of the evidence before a visit that a posterior keeps."""

        @override
        def __post_init__(self) -> None:
            super().__post_init__()
            ensure_group_sizes(self.low, self.mean, self.high)

    options: Options

    @override
    def setup(self) -> None:
        self.posterior = Posterior(self.units, self.options.decay)

    @override
    def sample(self, k: int) -> list[Choice]:
        drawn = super().sample(k)
        if not drawn:
            return drawn
        where = np.array([self.index[choice.unit] for choice in drawn])
        spread = self.posterior.deviation(where)
        options = self.options
        sizes = allocate(spread, options.mean * k, options.low, options.high).tolist()
        return [replace(choice, rollouts=n) for choice, n in zip(drawn, sizes, strict=True)]

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        self.posterior.update(batch)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {**super().by_unit(), "competence": self.posterior.mean()}
