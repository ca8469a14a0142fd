"""What a teacher does, seen from outside: the same numbers for every curriculum.

A curriculum keeps its own estimates; these are ours, from the outcomes alone, so that TensorBoard
shows two methods on one scale. Competence is a fast average of the pass rate of a unit, learning
progress its distance from a slow one (Kanitscheider et al. 2021, arXiv 2106.14876, section 3.2).
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
"""Groups in a row without one right answer, from which a unit counts as out of reach."""


@dataclass
class Seen:
    """Averages of one unit; `barren` counts its last groups without any right answer."""

    fast: float = 0.0
    slow: float = 0.0
    groups: int = 0
    barren: int = 0

    def add(self, rate: float) -> None:
        """Take in the pass rate of one group."""
        if not self.groups:
            self.fast = self.slow = rate
        self.fast += FAST * (rate - self.fast)
        self.slow += SLOW * (self.fast - self.slow)
        self.groups += 1
        self.barren = 0 if rate else self.barren + 1


class Watch:
    """Averages by unit; `labels` names the rows that a unit is summed up in, e.g. `L3`, `skill/f`.

    Every unit may stand in several rows.
    """

    def __init__(self, labels: Mapping[str, Sequence[str]]) -> None:
        self.labels = {unit: tuple(rows) for unit, rows in labels.items()}
        self.seen = {unit: Seen() for unit in labels}
        self.shares: dict[str, float] = {}

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Take in the groups of one round."""
        counts: dict[str, float] = defaultdict(float)
        for outcome in outcomes:
            seen = self.seen[outcome.choice.unit]
            counts["dead"] += outcome.dead
            counts["mastered"] += bool(seen.groups) and seen.fast >= MASTERED
            counts["out_of_reach"] += seen.barren >= HOPELESS
            for row in self.labels[outcome.choice.unit]:
                counts[row] += 1
            seen.add(sum(outcome.rewards) / len(outcome.rewards))
        names = dict.fromkeys(("dead", "mastered", "out_of_reach", *self.rows))
        self.shares = {name: counts[name] / len(outcomes) for name in names}

    @property
    def rows(self) -> list[str]:
        """All labels, in order of appearance."""
        return list(dict.fromkeys(row for rows in self.labels.values() for row in rows))

    def metrics(self, probabilities: Mapping[str, float]) -> dict[str, float]:
        """Chance, competence and progress by row, and what the last round's rollouts went to."""
        found: dict[str, float] = defaultdict(float)
        known: dict[str, list[Seen]] = defaultdict(list)
        for unit, rows in self.labels.items():
            for row in rows:
                found[f"probability/{row}"] += probabilities.get(unit, 0.0)
                if self.seen[unit].groups:
                    known[row].append(self.seen[unit])
        for row, units in known.items():
            found[f"competence/{row}"] = sum(one.fast for one in units) / len(units)
            progress = sum(abs(one.fast - one.slow) for one in units)
            found[f"progress/{row}"] = progress / len(units)
        return found | {f"share/{name}": share for name, share in self.shares.items()}

    def state_dict(self) -> dict[str, Any]:
        """JSON-safe state."""
        return {
            "seen": {unit: list(vars(seen).values()) for unit, seen in self.seen.items()},
            "shares": self.shares,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken."""
        self.seen = {unit: Seen(*values) for unit, values in state["seen"].items()}
        self.shares = dict(state["shares"])
