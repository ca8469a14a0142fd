"""Problems from which nothing can be learned, to see what a curriculum spends on them.

They look like single calls of `string_transform?preset=tiny`, of functions that do not exist:

    G07(efag)?

They are not registered: no answer of theirs is right on purpose.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from rlskills.environments import Draft, Environment, Task, digest
from rlskills.environments.parsing import TAIL


class Impossible(Environment):
    """Nothing is right."""

    name = "impossible"
    letter: ClassVar[str] = "G"

    @dataclass(frozen=True)
    class Config(Environment.Config):
        """One function a unit."""

        function: str = "G00"

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """A call without an answer."""
        word = "".join(rng.choices("abcdefgh", k=rng.randint(3, 5)))
        return Draft(prompt=f"{cfg.function}({word})?", answer=None, skills=(cfg.function,))

    def parse(self, text: str) -> str | None:
        """All that stands behind the last `#`."""
        return text[-TAIL:].rpartition("#")[2] or None

    def verify(self, task: Task, answer: str) -> bool:
        """Whatever it is, it is wrong."""
        return False


class Coin(Impossible):
    """The grader tosses a coin, the same one for the same answer to the same problem."""

    name = "coin"
    letter = "H"

    def verify(self, task: Task, answer: str) -> bool:
        """Right for half of all answers, whatever they are."""
        return int(digest("coin", task.key, answer), 16) % 2 == 0
