"""Countdown: make a target from given numbers, each used exactly once, with `+ - * /`.

Level n composes n operations over n + 1 numbers, so levels 1 to 7 have 2 to 8 numbers. The target
is reachable by construction, and any expression that is exactly right counts. With `preset=chat`
(the default) a model is asked

    Numbers: 95, 14, 18
    Target: 63
    Combine the numbers with + - * / and brackets into an expression whose value is exactly the
    target. Use every number exactly once. End with the expression alone, without its value, in
    the form <answer>expression</answer>

and with `preset=tiny`, where the worked solution is a step for each operation,

    95,14,18=63?
    95-14=81;81-18=63;#95-14-18

Try `rlskills env sample countdown --level 2`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from rlskills.environments import Draft, Task, register
from rlskills.environments.grading import arithmetic
from rlskills.environments.types import JSON

from .presets import PresetEnvironment, whole

OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
MOST_NODES = 60
"""Numbers, operators and brackets of an answer; 8 numbers need 29 with brackets around all."""
OVERSHOOT = 10
"""Values on the way to the target may exceed the largest target this many times."""
USES = {
    "all": "Use every number exactly once.",
    "subset": "Use each number at most once; you need not use them all.",
}

_QUESTION = """\
Numbers: {numbers}
Target: {target}
Combine the numbers with + - * / and brackets into an expression whose value is exactly the \
target. {use} End with the expression alone, without its value, in the form \
<answer>expression</answer>"""

Step = list
"""Left operand, operator, right operand, and what it comes to."""


@register("countdown")
class Countdown(PresetEnvironment):
    """Make a target from numbers with + - * /; level n needs n operations."""

    @dataclass(frozen=True)
    class Config(PresetEnvironment.Config):
        """What a level sets."""

        operations: int = 1
        """One less than there are numbers."""
        largest: int = 100
        """Numbers are drawn from 1 to this."""
        target: int = 999
        """The largest target; the smallest is 1."""
        use: str = "all"
        """`all`: every number exactly once; `subset`: each at most once."""
        train_depth: int = 5

        def __post_init__(self) -> None:
            """Refuse what no problem can be drawn from."""
            super().__post_init__()
            self.choose("use", tuple(USES))
            self.require("operations", whole(self.operations, 1, 7), "1 to 7")
            self.require("largest", whole(self.largest, 2, 10**6), "2 to 1000000")
            # Numbers alone must be able to reach some target by differences.
            self.require("target", whole(self.target, 2, 10**9), "2 to 1000000000")

    levels: ClassVar = tuple({"operations": n} for n in range(1, 8))
    grows = "operations"

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """Merge random numbers by random operations until one is left: the target."""
        while True:
            numbers = [1 + int(rng.random() * cfg.largest) for _ in range(cfg.operations + 1)]
            if found := _merge(rng, numbers, cfg.target):
                break
        steps, answer = found
        target = steps[-1][3]
        return Draft(
            prompt=self._prompt(numbers, target, cfg),
            answer=answer,
            skills=tuple(OPERATIONS[step[1]] for step in steps),
            depth=cfg.operations,
            data={"numbers": numbers, "target": target, "use": cfg.use, "steps": steps},
        )

    def _prompt(self, numbers: list[int], target: int, cfg: Config) -> str:
        if self.tiny:
            mark = "=" if cfg.use == "all" else "~"
            return f"{','.join(map(str, numbers))}{mark}{target}?"
        listed = ", ".join(map(str, numbers))
        return _QUESTION.format(numbers=listed, target=target, use=USES[cfg.use])

    def skills(self) -> tuple[str, ...]:
        """The four operations."""
        return tuple(OPERATIONS.values())

    def identity(self, draft: Draft) -> JSON:
        """Numbers in any order, target, and whether all must be used."""
        data = draft.data
        return [sorted(data["numbers"]), data["target"], data["use"]]

    def verify(self, task: Task, answer: str) -> bool:
        """Exact: the value is the target, and the numbers are those given.

        A tail `= target` is allowed, and nothing else.
        """
        left, equals, right = answer.partition("=")
        target = task.data["target"]
        if equals and right.strip() != str(target):
            return False
        found = arithmetic(left, max_nodes=MOST_NODES, max_digits=30)
        if found is None or found.value != target:
            return False
        used, given = sorted(found.numbers), sorted(task.data["numbers"])
        return used == given if task.data["use"] == "all" else _within(used, given)

    def solution(self, task: Task) -> str:
        """Every operation with its result, then the expression."""
        blank = "" if self.tiny else " "
        steps = [
            f"{blank.join((str(a), operator, str(b)))}{blank}={blank}{c}"
            for a, operator, b, c in task.data["steps"]
        ]
        return self.worked(steps, task)


def _merge(rng: random.Random, numbers: list[int], most: int) -> tuple[list[Step], str] | None:
    """Steps that use up the numbers and their expression; None when they lead past the target."""
    pool = [(value, str(value), "") for value in numbers]
    steps: list[Step] = []
    random_ = rng.random  # an order faster than randrange, and this loop is what drawing costs
    while len(pool) > 1:
        a, one, above = pool.pop(int(random_() * len(pool)))
        b, two, below = pool.pop(int(random_() * len(pool)))
        if a < b:
            a, one, above, b, two, below = b, two, below, a, one, above
        limit = most if not pool else most * OVERSHOOT
        choices = _possible(a, b, limit)
        if not choices:
            return None
        operator, value = choices[int(random_() * len(choices))]
        steps.append([a, operator, b, value])
        pool.append((value, _bracketed(one, above, operator, two, below), operator))
    return steps, pool[0][1]


def _possible(a: int, b: int, limit: int) -> list[tuple[str, int]]:
    """Operations on a >= b that give a whole number from 1 to the limit."""
    found = []
    if a + b <= limit:
        found.append(("+", a + b))
    if b < a <= limit + b:
        found.append(("-", a - b))
    if a * b <= limit:
        found.append(("*", a * b))
    if a % b == 0 and a // b <= limit:
        found.append(("/", a // b))
    return found


def _bracketed(one: str, above: str, operator: str, two: str, below: str) -> str:
    """The two sides joined, with brackets only where they are needed."""
    if operator in "*/" and above and above in "+-":
        one = f"({one})"
    if below and (operator == "/" or (operator in "*-" and below in "+-")):
        two = f"({two})"
    return f"{one}{operator}{two}"


def _within(used: list, given: list[int]) -> bool:
    """Whether one multiset is part of another."""
    left = list(given)
    for number in used:
        if number not in left:
            return False
        left.remove(number)
    return True
