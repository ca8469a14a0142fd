"""CurES: prompts by the deviation of their pass rate, and more rollouts where it is larger.

Zeng et al. 2025, "CurES: From Gradient Analysis to Efficient Curriculum Learning for Reasoning
LLMs", arXiv 2510.01037.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..interface import Choice
from ..options import ensure_group_sizes, fraction, positive
from ..pickers import allocate, softmax
from ..signals.posterior import Posterior
from ..state import Array


class CurES(Base):
    """exp(sqrt(p (1 - p)) / temperature), rollouts in a batch in proportion to sqrt(p (1 - p)).

    p is the mean of a Beta posterior that keeps `decay` of the evidence before a visit. A group
    gets `low` to `high` rollouts, `mean` on average over a batch. The paper's weights also hold
    gradient norms of right and wrong answers; taken as equal, they leave this.
    """

    name = "cures"
    family = "allocation"
    paper = "Zeng et al. 2025, arXiv 2510.01037"
    order_free = True
    reaches_all = True
    saved = ("posterior",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        temperature: float = positive(0.1)
        """Of the softmax over units; lower is greedier."""
        decay: float = fraction(0.5)
        """Share of the evidence before a visit that a posterior keeps."""
        mean: int = 8
        """Rollouts per group, on average over a batch."""
        low: int = 4
        """Fewest rollouts of a group."""
        high: int = 16
        """Most rollouts of a group."""

        @override
        def __post_init__(self) -> None:
            super().__post_init__()
            ensure_group_sizes(self.low, self.mean, self.high)

    options: Options

    @override
    def setup(self) -> None:
        self.posterior = Posterior(self.units, self.options.decay)

    @override
    def weights(self) -> Array:
        return softmax(self.posterior.deviation(), self.options.temperature)

    @override
    def choices(self, chosen: Sequence[int]) -> list[Choice]:
        options, spread = self.options, self.posterior.deviation(np.array(chosen))
        sizes = allocate(spread, options.mean * len(chosen), options.low, options.high).tolist()
        return [Choice(self.units[i], rollouts=n) for i, n in zip(chosen, sizes, strict=True)]

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"competence": self.posterior.mean()}

    @override
    def learn(self, batch: Batch) -> None:
        self.posterior.update(batch)
