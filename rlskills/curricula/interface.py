"""One small interface between what is trained and what is trained on next.

A curriculum sees units (opaque strings) and outcomes (rewards of a group), never tokens or the
policy. Every generator is owned and its state is in `state_dict`, so a resumed run draws what an
undisturbed one would have drawn.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..errors import UserError
from .pool import Pool


@dataclass(frozen=True)
class Choice:
    """One unit to practise, and the probability with which it was drawn."""

    unit: str
    prob: float = 1.0
    step: int = 0
    params: tuple[float, ...] | None = None
    """Where in a box this task lies, for teachers of continuous parameters."""
    rollouts: int | None = None
    """Group size wished for this unit; None leaves it to the trainer."""
    tag: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came back: one reward in [0, 1] for each rollout of the group."""

    choice: Choice
    rewards: tuple[float, ...]
    step: int
    generated_tokens: int = 0
    admitted: bool = True
    features: tuple[float, ...] | None = None
    """A summary of hidden states; filled when the curriculum's `needs` asks for it."""

    @property
    def dead(self) -> bool:
        """All rollouts alike: no gradient under a group-relative advantage."""
        return len(set(self.rewards)) <= 1


@runtime_checkable
class Curriculum(Protocol):
    """What a trainer calls. `sample` before rollouts, `observe` with every group afterwards."""

    name: str
    information: str
    """What it uses beyond rewards: none, level labels, prerequisite graph, hidden states."""
    needs: frozenset[str]
    """Optional fields of `Outcome` that the trainer must fill, e.g. `features`."""

    def sample(self, k: int) -> list[Choice]:
        """Choose `k` units; may repeat them."""
        ...

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Take in results, dead groups too, in any order and with any delay."""
        ...

    def admit(self, outcome: Outcome) -> bool:
        """Whether this group may enter the loss."""
        ...

    def probabilities(self) -> Mapping[str, float]:
        """The chance of each unit in the next draw; they sum to 1."""
        ...

    def metrics(self) -> Mapping[str, float]:
        """Numbers to log."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All state, JSON-safe."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`; refuses another method's state."""
        ...


class Base:
    """What every curriculum needs: units, an owned generator, a counter, checked state."""

    name = "base"
    version = 1
    information = "none"
    needs: frozenset[str] = frozenset()

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0) -> None:
        self.pool = Pool.of(pool)
        self.units = self.pool.units
        self.rng = random.Random(seed)
        self.step = 0

    def probabilities(self) -> Mapping[str, float]:
        """Equal chances, unless a method says otherwise."""
        return dict.fromkeys(self.units, 1 / len(self.units))

    def sample(self, k: int) -> list[Choice]:
        """`k` independent draws from `probabilities()`."""
        chances = self.probabilities()
        units = self.rng.choices(list(chances), weights=list(chances.values()), k=k) if k else []
        self.step += 1
        return [Choice(unit, chances[unit], self.step) for unit in units]

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing to learn; outcomes are still checked, so that a mistake shows early."""
        check_outcomes(outcomes, self.units)

    def admit(self, outcome: Outcome) -> bool:
        """Every group may be learned from."""
        return True

    def metrics(self) -> Mapping[str, float]:
        """The chance of each unit."""
        return {f"probability/{unit}": chance for unit, chance in self.probabilities().items()}

    def state_dict(self) -> dict[str, Any]:
        """Name, version, counter and generator."""
        version, words, gauss = self.rng.getstate()
        return {
            "name": self.name,
            "version": self.version,
            "units": list(self.units),
            "step": self.step,
            "rng": [version, list(words), gauss],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict` of the same method, version and units."""
        for field, mine in (
            ("name", self.name), ("version", self.version), ("units", list(self.units)),
        ):  # fmt: skip
            if state.get(field) != mine:
                raise UserError(
                    f"curriculum state has {field} {state.get(field)!r}, this curriculum {mine!r}"
                )
        version, words, gauss = state["rng"]
        self.rng.setstate((version, tuple(words), gauss))
        self.step = state["step"]


def check_outcomes(outcomes: Sequence[Outcome], units: Sequence[str]) -> None:
    """Rewards finite and in [0, 1], units known; otherwise one clear error."""
    known = set(units)
    for outcome in outcomes:
        if outcome.choice.unit not in known:
            raise UserError(f"outcome for unknown unit {outcome.choice.unit!r}")
        for reward in outcome.rewards:
            if not 0.0 <= reward <= 1.0:
                raise UserError(f"reward {reward} of unit {outcome.choice.unit!r} not in [0, 1]")
