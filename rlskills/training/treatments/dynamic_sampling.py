"""Dynamic sampling: sample on until an update's worth of rollouts is kept.

Yu et al. 2025, DAPO, arXiv 2503.14476, section 3.2. The other treatments of the arm, and the
curriculum, say what is kept; groups whose rewards are all alike cost rollouts and teach nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UserError
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("dynamic_sampling")
class DynamicSampling(Treatment):
    """Further rounds for the same update, in place of groups that were dropped."""

    paper = "Yu et al. 2025, arXiv 2503.14476"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How far to go."""

        max_resamples: int = 3
        """Most further rounds for one update."""

        def __post_init__(self) -> None:
            if self.max_resamples < 1:
                raise UserError(
                    f"dynamic_sampling: max_resamples must be positive, not {self.max_resamples}"
                )

    def setup(self) -> None:
        """The trainer asks for this number."""
        self.max_resamples = self.options.max_resamples
