"""Small string functions, chains of them, and traces with a defect put in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from rlskills.evaluation.measures.claims import Claim, Known, Problem

LIBRARY: dict[str, Callable[..., str]] = {
    "reverse": lambda s: s[::-1],
    "double": lambda s: s + s,
    "rotate": lambda s: s[1:] + s[:1],
    "sort": lambda s: "".join(sorted(s)),
    "drop": lambda s: s[1:],
    "ends": lambda s: s[:1] + s[-1:],
    "join": lambda s, mark: mark.join(s),
    "cat": lambda a, b: a + b,
}
CHAINED = tuple(name for name in LIBRARY if name != "cat")


def chain(given: str, *ops: str) -> Problem:
    """Functions one after the other; `join` has the parameter `-` unless it says `join:+`."""
    steps: list[Known] = []
    value = given
    for i, text in enumerate(ops):
        op, _, mark = text.partition(":")
        literal = ((mark or "-"),) if op == "join" else ()
        value = LIBRARY[op](value, *literal)
        steps.append(Known(op, (given if i == 0 else i - 1, *literal), value))
    return Problem(tuple(steps), given)


def trace(task: Problem) -> list[Claim]:
    """The right claims."""
    return [Claim(s.op, task.args(i), s.value) for i, s in enumerate(task.steps)]


def random_chain(rng: random.Random, depth: int) -> Problem:
    """Functions drawn at random, none of which returns the empty string."""
    while True:
        given = "".join(rng.choice("abcdefgh") for _ in range(rng.randint(4, 7)))
        task = chain(given, *(rng.choice(CHAINED) for _ in range(depth)))
        if all(step.value for step in task.steps):
            return task


def carried(task: Problem, claims: Sequence[Claim], begin: int) -> list[Claim]:
    """Right calls from step `begin` of a chain on, on what was claimed before it."""
    made = list(claims)
    for step in task.steps[begin:]:
        literals = [arg for arg in step.args if isinstance(arg, str) and arg != task.given]
        args = (made[-1].value, *literals)
        made.append(Claim(step.op, args, LIBRARY[step.op](*args)))
    return made
