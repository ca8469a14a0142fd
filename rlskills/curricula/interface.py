"""The interface between a trainer and what decides what is trained on next.

A curriculum sees units (opaque strings) and the outcomes of groups of rollouts, never tokens or the
policy. Every generator is its own and its state is in `state_dict`, so a resumed run draws what an
undisturbed one would have drawn. `base.py` has what all methods share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ..spec import Spec


@dataclass(frozen=True)
class Choice:
    """A unit to practise next."""

    unit: str
    params: tuple[float, ...] | None = None
    """A point of a `BoxPool`, from teachers of continuous parameters."""
    rollouts: int | None = None
    """Group size that the curriculum asks for; None leaves it to the trainer."""
    tag: str = ""
    """Why it was drawn, where that decides whether its group may enter the loss."""
    problem: int | None = None
    """Address of a problem of the unit that is given again; None: its next one. In an outcome it is
    the address of the problem that was given."""


@dataclass(frozen=True)
class Outcome:
    """What came back for a choice, with an entry for each graded rollout of the group."""

    choice: Choice
    pass_rates: tuple[float, ...]
    """How right each rollout was, in [0, 1]: what curricula learn from, under every reward."""
    step: int
    """The trainer's step."""
    rewards: tuple[float, ...] = field(default=(), kw_only=True)
    """What is optimised, on any scale; the pass rates where nothing else is given."""
    features: tuple[float, ...] | None = field(default=None, kw_only=True)
    """A summary of hidden states; filled when the curriculum's `needs` asks for it."""

    def __post_init__(self) -> None:
        """Rewards are the pass rates by default."""
        if not self.rewards:
            object.__setattr__(self, "rewards", self.pass_rates)

    @property
    def zero_variance(self) -> bool:
        """All rewards alike: no gradient under a group-relative advantage."""
        return len(set(self.rewards)) <= 1


@runtime_checkable
class Curriculum(Protocol):
    """What a trainer calls: `sample` before rollouts, `observe` with every group afterwards."""

    name: str
    information: str
    """What it uses beyond outcomes: none, level labels, prerequisite graph, hidden states."""
    needs: frozenset[str]
    """Optional fields of `Outcome` that the trainer must fill, e.g. `features`."""
    max_resamples: int
    """How many further batches a trainer may draw per step to replace groups not admitted."""

    @property
    def spec(self) -> Spec:
        """What `make` needs to build it again."""
        ...

    def sample(self, k: int) -> list[Choice]:
        """Choose `k` units; may repeat them."""
        ...

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Take in results, zero-variance groups too, in any order and with any delay."""
        ...

    def admit(self, outcome: Outcome) -> bool:
        """Whether this group may enter the loss."""
        ...

    def probabilities(self) -> Mapping[str, float]:
        """The probability of each unit in the next draw; they sum to 1."""
        ...

    def metrics(self) -> Mapping[str, float]:
        """Numbers to log; some dozens at most, under the same names at all times."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All state, JSON-safe."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`; refuses another method's state."""
        ...
