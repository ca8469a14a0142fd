"""Absolute learning progress by unit: the newer half of a window against the older half.

Baranes and Oudeyer 2009, "R-IAC: Robust Intrinsically Motivated Exploration and Active Learning",
IEEE Transactions on Autonomous Mental Development 1(3); as the online ALP baseline of Gaven et al.
2025, "MAGELLAN: Metacognitive predictions of learning progress guide autotelic LLM agents in large
goal spaces", arXiv 2502.07709.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..base import Base
from ..batch import Batch
from ..pickers import mixed
from ..pool import Pool
from ..signals.windows import Windows
from ..state import Array


class ALPWindows(Base):
    """In proportion to |mean of the newer half - mean of the older half| of the last group means.

    Windows hold up to `window` groups; `epsilon` of the draws go to all units alike.
    """

    name = "alp_windows"
    family = "learning progress"
    paper = "Gaven et al. 2025 (baseline), arXiv 2502.07709"
    reaches_all = True
    rows = ("progress",)
    saved = ("windows",)

    def __init__(
        self, pool: Pool | Sequence[str], seed: int = 0, window: int = 20, epsilon: float = 0.2
    ) -> None:
        super().__init__(pool, seed)
        checks.positive(window=window)
        checks.inside(epsilon=epsilon)
        self.epsilon = epsilon
        self.windows = Windows(self.units, window)
        self.progress = np.zeros(len(self.units))

    def weights(self) -> Array:
        """Progress over a uniform share."""
        return mixed(self.progress, self.epsilon)

    def by_unit(self) -> Mapping[str, Array]:
        """What is believed of each unit."""
        return {"learning_progress": self.progress}

    def learn(self, batch: Batch) -> None:
        """Compare the halves again where something came back."""
        where = self.windows.push(batch)
        self.progress[where] = np.abs(self.windows.halves(where))
