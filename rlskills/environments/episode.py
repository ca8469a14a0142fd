"""`Episode`: one attempt at a task, in messages, in one turn or in many.

Synchronous and without callbacks: a game is a subclass with a `step`. It knows nothing of
tokens: `driver.py` limits what a player may do, and a trainer only appends what `step` returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import UserError
from .types import Message, Score, Task

if TYPE_CHECKING:
    from .environment import Environment


@dataclass(frozen=True)
class Caps:
    """What ends an episode that does not end by itself; tokens are capped where they are known."""

    turns: int = 32
    """Replies."""
    characters: int = 1_000_000
    """Of all replies together."""

    def __post_init__(self) -> None:
        if self.turns < 1 or self.characters < 1:
            raise UserError("an episode needs at least one turn and one character")


@dataclass(frozen=True, slots=True)
class Turn:
    """What an environment says to one reply; `done` means that no further reply is awaited."""

    messages: tuple[Message, ...] = ()
    done: bool = False

    @classmethod
    def say(cls, text: str) -> Turn:
        """One message, after which the player replies again."""
        return cls(({"role": "user", "content": text},))


class Episode:
    """One attempt at one task. As it stands: the first reply is the answer.

    A game subclasses `step`, keeps its state in attributes, puts the reply that answers into
    `answer`, and names what else the reward may depend on in `parts`.
    """

    caps: Caps = Caps()

    def __init__(self, env: Environment, task: Task) -> None:
        self.env = env
        self.task = task
        self.answer = ""
        """The reply that holds the answer; `score` grades it."""

    def open(self) -> list[Message]:
        """What the player is shown first: the task's prompt."""
        return self.task.messages

    def step(self, reply: str) -> Turn:
        """Take one reply of any length and bytes, and say what the player sees next."""
        self.answer = reply
        return Turn(done=True)

    def parts(self, score: Score) -> Mapping[str, float]:
        """Named parts beside those that come from the answer, given the score of the answer."""
        return {}

    def score(self, *, truncated: bool = False) -> Score:
        """Grade the episode; `truncated` says that a cap ended it, so nothing in it counts.

        The environment's weights apply to `parts` as to every other part of a score.
        """
        score = self.env.score(self.task, self.answer, truncated=truncated)
        more = self.parts(score)
        reward = score.reward + sum(
            self.env.weights.get(name, 0.0) * value for name, value in more.items()
        )
        return replace(score, reward=reward, parts={**score.parts, **more})


__all__ = ["Caps", "Episode", "Turn"]
