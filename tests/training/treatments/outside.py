"""Treatments defined outside the package, as a user would: named by `outside.py:Demonstrate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rlskills.generation.engine import SamplingParams
from rlskills.training.batch import RolloutBatch
from rlskills.training.treatments import Sampler, Treatment


class Demonstrate(Treatment):
    """A worked solution in the place of each group that is all wrong, as in HPT."""

    supervision = "every step"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """How much a demonstration counts."""

        weight: float = 1.0

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        failed = [group[0] for group in batch.groups() if not any(r.score.correct for r in group)]
        shown = sampler.demonstrate(failed)
        for row in shown:
            row.weigh(0.0, self.options.weight)
        batch.add(shown)


class Wander(Treatment):
    """A temperature that is drawn anew each round, around what succeeded so far: it has state."""

    def setup(self) -> None:
        self.center, self.last = 1.0, 1.0

    def sampling(self, params: SamplingParams, step: int) -> SamplingParams:
        self.last = self.center * self.rng.uniform(0.8, 1.25)
        hot = self.last
        return SamplingParams(params.max_new_tokens, lambda at: hot if at else 1.0, params.n)

    def adapt(self, batch: RolloutBatch) -> None:
        rate = sum(r.score.correct for r in batch) / max(1, len(batch))
        self.center = 0.9 * self.center + 0.1 * (0.8 + 0.4 * rate)

    def metrics(self) -> dict[str, float]:
        return {"temperature": self.last}

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"center": self.center}

    def load_state_dict(self, state: Any) -> None:
        super().load_state_dict(state)
        self.center = state["center"]
