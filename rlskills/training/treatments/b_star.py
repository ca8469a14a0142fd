"""B-STaR: the temperature is chosen anew, by how many different right answers it finds.

For a problem of which n samples are chosen, n' of them right, and a number n* that is enough,

    balance = min(n' / n*, 1) * n' / n,   0 where none is chosen

Every `every` updates the first `probe` problems of a round are sampled again at each of
`temperatures`; the one with the best mean balance is that of the rounds to come. Zeng et al. 2024,
"B-STaR: Monitoring and Balancing Exploration and Exploitation in Self-Taught Reasoners", arXiv
2412.17256. There the bound above which a learned score chooses a sample is tuned as well. A
verifier that is exact makes that moot: any bound below 1 chooses the right ones and no other, n' =
n, and the balance is how much of n* was found.

Samples that differ in nothing but blanks count once. Ties go to the lower temperature; where
nothing is right at any, it stays. That a probe is of problems of the round, and not of a
development set, is this project's own. A probe is not learned from; it costs `probe` * `samples`
rollouts for each temperature, which count in the budgets. Advantages, and so all right, all wrong,
truncated and ungraded rows, are others' business; in a probe truncated and ungraded ones are not
right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from ...errors import UserError
from ...generation.engine import SamplingParams
from ..batch import Rollout, RolloutBatch
from .treatment import TREATMENTS, Sampler, Treatment


@TREATMENTS.register("b_star")
class BStar(Treatment):
    """Probes several temperatures now and then, and samples at the best one."""

    paper = "Zeng et al. 2024, arXiv 2412.17256"
    role = "sets the temperature"

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """What is probed, and when."""

        temperatures: tuple[float, ...] = (0.6, 0.8, 1.0, 1.2)
        """Temperatures to choose from."""
        every: int = 25
        """Updates from one probe to the next; the first is at the beginning."""
        probe: int = 16
        """Problems of a probe, the first of its round."""
        samples: int = 8
        """Completions of each problem, at each temperature."""
        enough: int = 8
        """Different right answers to a problem beyond which more count no further."""

        def __post_init__(self) -> None:
            for name in ("every", "probe", "samples", "enough"):
                if getattr(self, name) < 1:
                    raise UserError(f"b_star: {name} must be at least 1, not {getattr(self, name)}")
            if not (self.temperatures and all(0 < each < inf for each in self.temperatures)):
                raise UserError(
                    f"b_star: temperatures must be positive numbers, not {self.temperatures}"
                )

    def setup(self) -> None:
        """Nothing was probed yet: the run's own temperature."""
        self._temperature: float | None = None
        self._probed = -1
        self._balance = 0.0

    def sampling(self, params: SamplingParams, step: int) -> SamplingParams:
        """At what the last probe found best."""
        if self._temperature is None:
            return params
        return replace(params, temperature=self._temperature)

    def augment(self, batch: RolloutBatch, sampler: Sampler) -> None:
        """Probe, once in an update that it is time for."""
        if batch.step % self.options.every or batch.step == self._probed:
            return
        self._probed = batch.step
        rows = [group[0] for group in batch.groups()[: self.options.probe]]
        asked = [row.task.messages for row in rows]
        found: dict[float, float] = {}
        for temperature in sorted(set(self.options.temperatures)):
            number = self.options.samples
            drawn = sampler.sample(rows, asked, number, temperature=temperature)
            parts = [drawn[i : i + number] for i in range(0, len(drawn), number)]
            scores = [balance(_distinct(part), self.options.enough) for part in parts]
            found[temperature] = sum(scores) / max(1, len(scores))
        # The first of the best: temperatures are in order.
        best = max(found, key=lambda temperature: found[temperature])
        self._balance = found[best]
        if self._balance > 0:
            self._temperature = best

    def metrics(self) -> dict[str, float]:
        """The temperature that was chosen (0: none yet), and its balance in the last probe."""
        return {"temperature": self._temperature or 0.0, "balance": self._balance}

    def state_dict(self) -> dict[str, Any]:
        """With the temperature, and the update of the last probe."""
        chosen = {"temperature": self._temperature, "probed": self._probed}
        return super().state_dict() | chosen | {"balance": self._balance}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on at the same temperature."""
        super().load_state_dict(state)
        self._temperature, self._probed = state["temperature"], state["probed"]
        self._balance = state["balance"]


def balance(samples: Iterable[tuple[float, bool]], enough: int, threshold: float = 0.0) -> float:
    """Of distinct samples of a problem, with their scores: those above the threshold are chosen."""
    chosen = [right for score, right in samples if score > threshold]
    right = sum(chosen)
    return min(right / enough, 1.0) * right / len(chosen) if chosen else 0.0


def _distinct(rows: Iterable[Rollout]) -> list[tuple[float, bool]]:
    """Scores of rows that differ in more than blanks: 1 is right."""
    by_text = {" ".join(row.text.split()): row.score.correct for row in rows}
    return [(float(right), right) for right in by_text.values()]
