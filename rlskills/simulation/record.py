"""What is measured of a run, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .learner import Rollouts
from .regimes import Protocol
from .trained import TrainedWorld
from .world import Floats, Integers, World

POINTS = 96
"""Points of a stored curve, equally spaced in generated rollouts from 0 to the budget."""


@dataclass(frozen=True)
class SeedResult:
    """One seed of one curriculum in one regime; shares and rates lie in [0, 1]."""

    seed: int
    mastery: int | None
    """Generated rollouts until the world was solved; None: not within the budget."""
    spent: int
    curve: tuple[float, ...]
    """Mean true success rate of learnable tasks at `POINTS` budgets; held after the run's end."""
    auc: float
    """Mean of that curve."""
    tail: float
    """Share of learnable tasks mastered, mean over the last tenth of the run."""
    retention: float | None
    """Least share of learnable tasks mastered after the world was first solved."""
    worst_skill: float
    """Least over atoms of the mean true success rate, at the end, of tasks that apply it."""
    zero: float
    """Share of rollouts on impossible tasks; `coin` and `done` likewise."""
    coin: float
    done: float
    zero_variance: float
    """Share of groups whose rewards were all alike."""
    microseconds: float
    """CPU time of the curriculum for one step of the learner; the only entry that is not exact."""


class Record:
    """Measurements of S seeds while they run, and which of them still do."""

    def __init__(
        self, protocol: Protocol, worlds: Sequence[World | TrainedWorld], seeds: Sequence[int]
    ) -> None:
        self.protocol, self.worlds, self.seeds = protocol, worlds, list(seeds)
        self.rows = np.arange(len(worlds))
        self.active = np.ones(len(worlds), dtype=bool)
        self.spent = np.zeros(len(worlds), dtype=np.int64)
        self.steps = np.zeros(len(worlds), dtype=np.int64)
        self.solved = np.full(len(worlds), -1, dtype=np.int64)
        self.by_kind = np.zeros((len(worlds), 4), dtype=np.int64)
        self.groups = np.zeros(len(worlds), dtype=np.int64)
        self.zero_variance = np.zeros(len(worlds), dtype=np.int64)
        self.thought = np.zeros(len(worlds))
        self.looks: list[list[tuple[int, float, float]]] = [[] for _ in worlds]
        """Of every seed: rollouts spent, mean true success rate, share mastered."""

    def count(self, groups: Rollouts, kinds: Integers) -> None:
        """Count generated groups."""
        np.add.at(self.by_kind, (groups.who, kinds[groups.tasks]), groups.sizes)
        right = groups.rewards.sum(axis=1)
        alike = (right == 0) | (right == groups.sizes)
        self.groups += np.bincount(groups.who, minlength=len(self.rows))
        self.zero_variance += np.bincount(groups.who[alike], minlength=len(self.rows))

    def spend(self, rollouts: Integers) -> None:
        """End a step of the active seeds, which took so many rollouts of each."""
        self.spent += rollouts
        self.steps[self.active] += 1
        end = np.where(self.solved >= 0, self.solved + self.protocol.tail, self.protocol.budget)
        self.active &= self.spent < np.minimum(end, self.protocol.budget)

    def look(self, rows: Integers, rates: Floats) -> None:
        """Record true success rates, shape (rows, learnable tasks)."""
        means = rates.mean(axis=1).tolist()
        shares = (rates >= self.protocol.mastered).mean(axis=1).tolist()
        for row, mean, share in zip(rows.tolist(), means, shares, strict=True):
            self.looks[row].append((int(self.spent[row]), mean, share))
            reached = mean if self.protocol.measure == "mean" else share
            if self.solved[row] < 0 and reached >= self.protocol.solved:
                self.solved[row] = self.spent[row]

    def results(self, rates: Floats) -> list[SeedResult]:
        """A result per seed; `rates` are the true success rates now, of all seeds."""
        return [self._result(row, rates[row]) for row in range(len(self.seeds))]

    def _result(self, row: int, rates: Floats) -> SeedResult:
        at, means, shares = (np.array(column) for column in zip(*self.looks[row], strict=True))
        budgets = np.linspace(0, self.protocol.budget, POINTS)
        curve = np.interp(budgets, at, means)
        spent, solved = int(self.spent[row]), int(self.solved[row])
        kinds = self.by_kind[row] / max(1, spent)
        applied = self.worlds[row].exercises
        skills = (rates @ applied) / applied.sum(axis=0)
        return SeedResult(
            seed=self.seeds[row],
            mastery=solved if solved >= 0 else None,
            spent=spent,
            curve=tuple(round(float(value), 5) for value in curve),
            auc=float(curve.mean()),
            tail=float(shares[at >= 0.9 * at[-1]].mean()),
            retention=float(shares[at >= solved].min()) if solved >= 0 else None,
            worst_skill=float(skills.min()),
            zero=float(kinds[1]),
            coin=float(kinds[2]),
            done=float(kinds[3]),
            zero_variance=float(self.zero_variance[row] / max(1, self.groups[row])),
            microseconds=float(1e6 * self.thought[row] / max(1, self.steps[row])),
        )

    def state_dict(self) -> dict[str, Any]:
        """All measurements, JSON-safe."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return arrays | {"looks": [[list(look) for look in looks] for looks in self.looks]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        for name in _ARRAYS:
            mine = getattr(self, name)
            mine[...] = np.array(state[name], dtype=mine.dtype)
        self.looks = [[(int(a), b, c) for a, b, c in looks] for looks in state["looks"]]


_ARRAYS = ("active", "spent", "steps", "solved", "by_kind", "groups", "zero_variance", "thought")
