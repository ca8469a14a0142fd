"""Absolute learning progress by unit: the newer half of a window against the older half.

Baranes and Oudeyer 2009, "R-IAC: Robust Intrinsically Motivated Exploration and Active Learning",
IEEE Transactions on Autonomous Mental Development 1(3); as the online ALP baseline of Gaven et al.
2025, "MAGELLAN: Metacognitive predictions of learning progress guide autotelic LLM agents in large
goal spaces", arXiv 2502.07709.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..options import inside, positive
from ..pickers import mixed
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

    @dataclass(frozen=True)
    class Options(Base.Options):
        window: int = positive(20)
        """Group means kept of each unit."""
        epsilon: float = inside(0.2)
        """Share of the draws that goes to all units alike."""

    options: Options

    @override
    def setup(self) -> None:
        self.windows = Windows(self.units, self.options.window)
        self.progress = np.zeros(len(self.units))

    @override
    def weights(self) -> Array:
        return mixed(self.progress, self.options.epsilon)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return {"learning_progress": self.progress}

    @override
    def learn(self, batch: Batch) -> None:
        where = self.windows.push(batch)
        self.progress[where] = np.abs(self.windows.halves(where))
