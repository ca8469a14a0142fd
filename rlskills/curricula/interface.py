"""One small interface between what is trained and what is trained on next.

A curriculum sees units (opaque strings) and outcomes (rewards of a group), never tokens or the
policy. Every generator is owned and its state is in `state_dict`, so a resumed run draws what an
undisturbed one would have drawn. `base.py` has what all methods share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


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
    refill: int
    """How many further batches a trainer may draw in a step to replace groups not admitted."""

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
