"""Find out by experiment what a hidden composition of string functions does.

The player knows which functions may be in the composition and how many calls it has. It asks how
the output begins on inputs of its choice, then names the whole output on an input that it may not
ask for. Every query costs. With `preset=tiny`, whose functions are those of
`string_transform?preset=tiny`, a game is

    F00F03F10F11*2:cgbf?
    >cfa
    =f
    >abc
    =h
    F00(cgbf)=hdgc;F10(hdgc)=chdg;#chdg

(four functions, two calls, the input in question; a query, how its output begins, another; the
answer). With `preset=clean` the same is said in words, below the Python source of the functions,
with `<query>...</query>` and `<answer>...</answer>`.

Level by level there are more functions and more calls. Try `rlskills env play function_guess`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlskills.environments import Draft, Environment, Episode, Score, Task, Turn, register
from rlskills.environments.types import JSON
from rlskills.errors import UnknownName, UserError

from .expert import calls, plan
from .notation import PRESETS, Game

ATTEMPTS = 2_000
"""Draws after which no game is taken to be decidable under a level's options."""


class Guessing(Episode):
    """A game under way. A reply with an answer ends it; every other reply costs a query."""

    env: FunctionGuess

    def __init__(self, env: FunctionGuess, task: Task) -> None:
        super().__init__(env, task)
        self.queries = 0

    def step(self, reply: str) -> Turn:
        """Take an answer, or tell how the output on a query begins."""
        data, notation = self.task.data, self.env.notation
        if notation.parse(reply) is not None or self.queries == data["queries"]:
            self.answer = reply
            return Turn(done=True)
        self.queries += 1
        left = data["queries"] - self.queries
        text = notation.asked(reply)
        if text is None or not self._allowed(text):
            return Turn.say(notation.refused(left))
        begins = calls(notation, data["hidden"], text)[-1][2][: data["reveal"]]
        return Turn.say(notation.told(text, begins, left))

    def parts(self, score: Score) -> Mapping[str, float]:
        """`queries` used, and what they cost: an answer that is wrong is not made worse by them."""
        spent = self.env.base.cost * self.queries if score.correct else 0.0
        return {"queries": float(self.queries), "spent": spent}

    def _allowed(self, text: str) -> bool:
        notation = self.env.notation
        fits = 0 < len(text) <= notation.longest and text != self.task.data["target"]
        return fits and all(character in notation.letters for character in text)


@register("function_guess")
class FunctionGuess(Environment):
    """Multi-turn: query a hidden composition of string functions, then name its output elsewhere.

    A right answer after n queries is rewarded with 1 - `cost` x n under the reward `binary`; more
    generally, weights apply to the parts `queries` (their number) and `spent` (`cost` x n where the
    answer is right, weight -1 unless weights are given that name it).
    """

    @dataclass(frozen=True)
    class Config(Environment.Config):
        """What a level sets."""

        preset: str = "clean"
        depth: int = 1
        """Calls in the hidden composition."""
        candidates: int = 2
        """Functions that it may consist of."""
        queries: int = 4
        """Most queries."""
        reveal: int = 1
        """Characters of an output that a query shows."""
        cost: float = 0.1
        """What each query takes off the reward of a right answer."""
        pool: int = 12
        """Functions of the preset that candidates are drawn from."""

        def __post_init__(self) -> None:
            if self.preset not in PRESETS:
                raise UnknownName("preset of function_guess", self.preset, PRESETS)
            most = len(PRESETS[self.preset].functions)
            if not 2 <= self.candidates <= self.pool <= most:
                raise ValueError(f"candidates must be from 2 to pool, and pool at most {most}")
            if not (1 <= self.depth <= 4 and self.candidates**self.depth <= 256):
                raise ValueError("depth must be from 1 to 4, with at most 256 compositions")
            if self.reveal < 1:
                raise ValueError("reveal must be at least 1")
            if not (1 <= self.queries <= 16 and 0 <= self.cost * self.queries < 1):
                raise ValueError("queries must be from 1 to 16, and cost in all less than 1")

    levels = (
        {"depth": 1, "candidates": 2},
        {"depth": 1, "candidates": 4},
        {"depth": 2, "candidates": 2},
        {"depth": 2, "candidates": 3},
        {"depth": 2, "candidates": 4},
        {"depth": 3, "candidates": 3},
    )
    test_percent = 20
    reward_components = ("queries", "spent")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.weights = {"spent": -1.0, **self.weights}
        self.notation = PRESETS[self.base.preset]

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """A game that cannot be won by certain knowledge without a query, but can with some."""
        notation = self.notation
        pool = list(notation.functions)[: cfg.pool]
        for _ in range(ATTEMPTS):
            candidates = tuple(sorted(rng.sample(pool, cfg.candidates)))
            hidden = tuple(rng.choices(candidates, k=cfg.depth))
            target = "".join(rng.choices(notation.letters, k=rng.randint(*notation.lengths)))
            game = Game(candidates, cfg.depth, target, cfg.queries, cfg.reveal)
            asked = plan(notation, game, hidden)
            if asked:
                break
        else:
            raise UserError(f"function_guess: no game is decided by {cfg.queries} queries ({cfg})")
        steps = calls(notation, hidden, target)
        return Draft(
            prompt=notation.opening(game),
            answer=steps[-1][2],
            skills=hidden,
            depth=cfg.depth,
            data={
                "candidates": list(candidates), "hidden": list(hidden), "target": target,
                "queries": cfg.queries, "reveal": cfg.reveal, "expert": asked, "steps": steps,
            },
        )  # fmt: skip

    def identity(self, draft: Draft) -> JSON:
        """A composition is its program; a single function, of which there are few, the game."""
        data = draft.data
        if draft.depth > 1:
            return data["hidden"]
        return [data["hidden"], data["candidates"], data["target"]]

    def start(self, task: Task) -> Guessing:
        """A new game."""
        return Guessing(self, task)

    def replies(self, task: Task) -> list[str]:
        """The expert's queries, then its worked answer."""
        return [*map(self.notation.query, task.data["expert"]), self.solution(task)]

    def solution(self, task: Task) -> str:
        """Every call on the input in question with its value, then the answer."""
        return self.notation.solution(task.data["steps"], task.answer or "")

    def answer_only(self, task: Task) -> str:
        """The answer alone, in the preset's form."""
        return self.notation.answer_only(task.answer or "")

    def parse(self, text: str) -> str | None:
        """The answer in the preset's form."""
        return self.notation.parse(text)
