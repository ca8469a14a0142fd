"""Problems whose answers were mixed come back, in place of new problems of the same unit.

After prioritized level replay (Jiang, Grefenstette, Rocktaschel 2021, arXiv 2010.03934) and the
memory bank of VCRL (Jiang et al. 2025, arXiv 2509.19803, section 3.3), which keep levels or prompts
that paid. Here it acts inside units, so it goes with any curriculum; the rule is this project's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from typing_extensions import override

from ..base import Base
from ..batch import Batch
from ..interface import Choice, Outcome
from ..options import fraction, inside, positive
from .around import Around

RATE = 0.05
"""How far the measure of memorising moves to that of one problem that came back."""
FRESH = 0.3
"""How far the rate of new problems of a unit moves to that of a group."""


class Replay(Around):
    """Units as `inner` draws them; some get a problem of theirs that was mixed lately.

    Of a batch at most `share` are problems given before. Of a unit that is drawn, the waiting
    problem whose pass rate is nearest 1/2 comes back, the latest of several alike. One waits for
    `age` steps, `keep` of a unit at most, and comes back `uses` times at most, while it is mixed.
    Where answers to a problem agree, most new problems have groups without variance; those that
    were mixed are likely to be so again.

    `inner` learns from new problems only: what comes back was chosen for its pass rate, and would
    bias every estimate. They are also what guards against learning problems by heart: `memorised`
    is a running average of what a problem gained since it was first seen, less what new problems of
    its unit gained meanwhile. The share falls in proportion, to none at `limit`.
    """

    name = "replay"
    family = "wrapper"
    paper = "this project; Jiang et al. 2025 (VCRL), arXiv 2509.19803"
    rows = ("fresh", "groups")
    saved = ("known", "memorised")

    @dataclass(frozen=True)
    class Options(Base.Options):
        share: float = fraction(0.5)
        """Most problems of a batch that were given before, as a share."""
        uses: int = positive(2)
        """Times that a problem comes back at most."""
        age: int = positive(20)
        """Steps after which a problem no longer waits."""
        keep: int = positive(8)
        """Problems of a unit that wait at most; the oldest goes first."""
        limit: float = inside(0.3)
        """Measure of memorising, in pass rate, at which nothing comes back."""

    options: Options

    @override
    def setup(self) -> None:
        self.known: dict[str, list[dict[str, Any]]] = {}
        self.fresh, self.groups = np.zeros(len(self.units)), np.zeros(len(self.units))
        self.memorised = 0.0
        self.order_free = False  # two groups of one unit are told apart by which came first

    @property
    def share(self) -> float:
        """Share of a batch that may come back now."""
        left = 1 - max(self.memorised, 0.0) / self.options.limit
        return self.options.share * max(left, 0.0)

    @override
    def sample(self, k: int) -> list[Choice]:
        allowed = int(self.share * k)
        chosen = []
        for choice in super().sample(k):
            problem = self._again(choice) if allowed else None
            if problem is not None:
                allowed -= 1
                choice = replace(choice, problem=problem, tag="replay")
            chosen.append(choice)
        return chosen

    def _again(self, choice: Choice) -> int | None:
        """The problem of the unit that is likeliest to be mixed again."""
        if choice.tag or choice.problem is not None or choice.params is not None:
            return None  # `inner` has plans of its own for it
        oldest = self.step - self.options.age
        known = [one for one in self.known.pop(choice.unit, ()) if one["step"] >= oldest]
        if known:
            self.known[choice.unit] = known
        waiting = [one for one in known if not one["out"]]
        if not waiting:
            return None
        best = min(waiting, key=lambda one: (abs(one["rate"] - 0.5), -one["step"], one["problem"]))
        best["out"] = True
        return best["problem"]

    @override
    def learn(self, batch: Batch) -> None:
        new = [outcome for outcome in batch.outcomes if outcome.choice.tag != "replay"]
        if new:
            super().learn(self.inner.checked(new))
        for at, mean, outcome in zip(batch.where, batch.means, batch.outcomes, strict=True):
            if outcome.choice.tag == "replay":
                self._came_back(at, mean, outcome)
            else:
                self._first_seen(at, mean, outcome)

    def _first_seen(self, at: int, mean: float, outcome: Outcome) -> None:
        """Update the unit's rate of new problems; a mixed one waits to come back."""
        rate = FRESH if self.groups[at] else 1.0
        self.fresh[at] += rate * (mean - self.fresh[at])
        self.groups[at] += 1
        problem = outcome.choice.problem
        if problem is None or outcome.zero_variance or outcome.choice.tag:
            return
        known = self.known.setdefault(outcome.choice.unit, [])
        known.append({"problem": problem, "rate": mean, "first": mean, "step": self.step,
                      "unit": float(self.fresh[at]), "uses": 0, "out": False})  # fmt: skip
        del known[: -self.options.keep]

    def _came_back(self, at: int, mean: float, outcome: Outcome) -> None:
        """Compare what the problem gained with what its unit did; it may wait once more."""
        known = self.known.get(outcome.choice.unit, [])
        found = [one for one in known if one["problem"] == outcome.choice.problem and one["out"]]
        if not found:
            return
        one = found[0]
        gained, meanwhile = mean - one["first"], float(self.fresh[at]) - one["unit"]
        self.memorised += RATE * (gained - meanwhile - self.memorised)
        one["uses"] += 1
        if outcome.zero_variance or one["uses"] >= self.options.uses:
            known.remove(one)
        else:
            one.update(rate=mean, step=self.step, out=False)
        if not known:
            del self.known[outcome.choice.unit]

    @override
    def own_metrics(self) -> Mapping[str, float]:
        waiting = sum(not one["out"] for known in self.known.values() for one in known)
        return {"waiting": float(waiting), "memorised": self.memorised, "may_return": self.share}

    @override
    def refresh(self) -> None:
        self.known = {unit: known for unit, known in self.known.items() if unit in self.index}
        self.invalidate()
