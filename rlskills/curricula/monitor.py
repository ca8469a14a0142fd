"""What a curriculum does, seen from outside: the same numbers for every curriculum.

A curriculum keeps its own estimates; these come from the outcomes alone, so that TensorBoard shows
two methods on one scale. Competence is a fast average of the pass rate of a unit, learning
progress its distance from a slow one (Kanitscheider et al. 2021, arXiv 2106.14876, section 3.2).
Both start at the first pass rate and are not reweighted, unlike `signals.averages.FastSlow`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import Outcome

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

    def add(self, rate: float) -> None:
        """Update with the pass rate of one group."""
        if not self.groups:
            self.fast = self.slow = rate
        self.fast += FAST * (rate - self.fast)
        self.slow += SLOW * (self.fast - self.slow)
        self.groups += 1
        self.barren = 0 if rate else self.barren + 1


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
            record.add(sum(outcome.pass_rates) / len(outcome.pass_rates))
        names = dict.fromkeys(("zero_variance", "mastered", "out_of_reach", *self.rows))
        self.shares = {name: counts[name] / len(graded) for name in names} if graded else {}

    @property
    def rows(self) -> list[str]:
        """All labels, in order of appearance."""
        return list(dict.fromkeys(row for rows in self.labels.values() for row in rows))

    def metrics(self, probabilities: Mapping[str, float]) -> dict[str, float]:
        """Probability, competence and progress by row, and the last round's shares of groups."""
        numbers: dict[str, float] = defaultdict(float)
        known: dict[str, list[UnitRecord]] = defaultdict(list)
        for unit, rows in self.labels.items():
            for row in rows:
                numbers[f"probability/{row}"] += probabilities.get(unit, 0.0)
                if self.records[unit].groups:
                    known[row].append(self.records[unit])
        for row, records in known.items():
            numbers[f"competence/{row}"] = sum(record.fast for record in records) / len(records)
            progress = sum(abs(record.fast - record.slow) for record in records)
            numbers[f"progress/{row}"] = progress / len(records)
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
