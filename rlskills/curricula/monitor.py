"""What a curriculum does, seen from outside: the same numbers for every curriculum.

A curriculum keeps its own estimates; these come from the outcomes alone, so that TensorBoard shows
two methods on one scale, and why a unit is drawn can be read beside it. Of each unit:

- competence is a fast average of its pass rate, its trend the distance from a slow one, and
  learning progress the absolute trend (Kanitscheider et al. 2021, arXiv 2106.14876, section 3.2).
  Both averages start at the first pass rate and are not reweighted, unlike
  `signals.averages.FastSlow`;
- uncertainty is the standard error of the competence, from how far pass rates fell from it;
- gain is a fast average of the mean |advantage| of its groups, in [0, 1]: what a group of it gives
  a policy gradient (Chen et al. 2025, arXiv 2505.14970).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from .batch import mean_advantage
from .interface import Outcome

FAST, SLOW = 0.3, 0.3
"""Shares of the newest pass rate in the fast average, and of the fast average in the slow one."""
MASTERED = 0.95
"""Competence from which a unit counts as mastered."""
HOPELESS = 6
"""Groups in a row without a right answer, from which a unit counts as out of reach."""


@dataclass
class UnitRecord:
    """Averages of one unit; `barren` counts its last groups without any right answer."""

    fast: float = 0.0
    slow: float = 0.0
    groups: int = 0
    barren: int = 0
    spread: float = 0.25
    """Average square of what pass rates fell from the competence; first that of a coin."""
    gain: float = 0.0

    def add(self, rate: float, advantage: float) -> None:
        """Update with the pass rate and the mean absolute advantage of one group."""
        if not self.groups:
            self.fast = self.slow = rate
            self.gain = advantage
        else:
            self.spread += FAST * ((rate - self.fast) ** 2 - self.spread)
        self.gain += FAST * (advantage - self.gain)
        self.fast += FAST * (rate - self.fast)
        self.slow += SLOW * (self.fast - self.slow)
        self.groups += 1
        self.barren = 0 if rate else self.barren + 1

    @property
    def uncertainty(self) -> float:
        """Standard error of the fast average, whose weights are FAST (1 - FAST)^j."""
        return sqrt(FAST / (2 - FAST) * self.spread)


KNOWN: Mapping[str, Callable[[UnitRecord], float]] = {
    "competence": lambda record: record.fast,
    "trend": lambda record: record.fast - record.slow,
    "progress": lambda record: abs(record.fast - record.slow),
    "uncertainty": lambda record: record.uncertainty,
    "gain": lambda record: record.gain,
}
"""What is logged as a mean over the units of a row."""


class CurriculumMonitor:
    """Averages by unit; `labels` names the rows that a unit is summed up in, e.g. `L3`, `skill/f`.

    Every unit may count in several rows.
    """

    def __init__(self, labels: Mapping[str, Sequence[str]]) -> None:
        self.labels = {unit: tuple(rows) for unit, rows in labels.items()}
        self.records = {unit: UnitRecord() for unit in labels}
        self.shares: dict[str, float] = {}

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Update with the groups of one round; groups without a graded rollout do not count.

        A round in which nothing was graded has no shares, so none are logged for it.
        """
        graded = [outcome for outcome in outcomes if outcome.pass_rates]
        counts: dict[str, float] = defaultdict(float)
        for outcome in graded:
            record = self.records[outcome.choice.unit]
            counts["zero_variance"] += outcome.zero_variance
            counts["mastered"] += bool(record.groups) and record.fast >= MASTERED
            counts["out_of_reach"] += record.barren >= HOPELESS
            for row in self.labels[outcome.choice.unit]:
                counts[row] += 1
            rates = outcome.pass_rates
            mean = sum(rates) / len(rates)
            record.add(mean, mean_advantage(rates, mean))
        names = dict.fromkeys(("zero_variance", "mastered", "out_of_reach", *self.rows))
        self.shares = {name: counts[name] / len(graded) for name in names} if graded else {}

    @property
    def rows(self) -> list[str]:
        """All labels, in order of appearance."""
        return list(dict.fromkeys(row for rows in self.labels.values() for row in rows))

    def metrics(self, probabilities: Mapping[str, float]) -> dict[str, float]:
        """Probability and what is known of units by row, and the last round's shares of groups."""
        numbers: dict[str, float] = defaultdict(float)
        known: dict[str, list[UnitRecord]] = defaultdict(list)
        for unit, rows in self.labels.items():
            for row in rows:
                numbers[f"probability/{row}"] += probabilities.get(unit, 0.0)
                if self.records[unit].groups:
                    known[row].append(self.records[unit])
        for row, records in known.items():
            for name, of in KNOWN.items():
                numbers[f"{name}/{row}"] = sum(map(of, records)) / len(records)
        return numbers | {f"share/{name}": share for name, share in self.shares.items()}

    def state_dict(self) -> dict[str, Any]:
        """JSON-safe state."""
        return {
            "seen": {unit: list(vars(record).values()) for unit, record in self.records.items()},
            "shares": self.shares,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken."""
        self.records = {unit: UnitRecord(*values) for unit, values in state["seen"].items()}
        self.shares = dict(state["shares"])
