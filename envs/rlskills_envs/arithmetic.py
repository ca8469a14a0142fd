"""Long addition, long multiplication, and chains of operations, with every digit worked out.

Level n has numbers of n digits or, with `operation=chain`, n operations nested in each other. With
`reversed=true` every number is written last digit first, the order in which digits are worked out
(Lee et al. 2023, "Teaching Arithmetic to Small Transformers", arXiv 2307.03381). Easy levels first
and length generalisation are what it is for. With `preset=chat` (the default) a model is asked

    Compute 57+68. End with the result, in the form <answer>number</answer>

and with `preset=tiny`, where the worked solution adds column by column, from the right, two digits
and what was carried, the result always with its carry,

    57+68?
    7+8+0=15;5+6+1=12;#125

Chains look like `(4*3)-5?`. Try `rlskills env sample arithmetic --level 2`, or
`rlskills env sample "arithmetic?operation=chain" --level 3`.
"""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, ClassVar

from rlskills.environments import Draft, StepScore, Task, off_stream, register
from rlskills.environments.grading import number
from rlskills.environments.steps import Call, behind, parted
from rlskills.environments.types import JSON

from .presets import PresetEnvironment, whole

OPERATIONS: Mapping[str, tuple[str, Callable[[int, int], int]]] = {
    "+": ("add", operator.add),
    "-": ("subtract", operator.sub),
    "*": ("multiply", operator.mul),
}
LARGEST = 999
"""Values in a chain are not multiplied beyond this."""
_REVERSED = "All numbers are written in reverse, last digit first. "

_EQUATION = re.compile(r"-?\d{1,200}[-+*]")
_CALL = re.compile(r"(-?\d{1,200})([-+*])(-?\d{1,200})(?:(\+)(\d{1,200}))?")
Step = tuple[str, ...]
"""An equation in pieces, so that numbers can be told from signs: `7`, `+`, `8`, `=`, `15`."""


@register("arithmetic")
class Arithmetic(PresetEnvironment):
    """Add or multiply numbers of n digits, or compute n nested operations, digit by digit."""

    @dataclass(frozen=True)
    class Config(PresetEnvironment.Config):
        """What a level sets."""

        size: int = 1
        """Digits of each number or, in a chain, operations."""
        operation: str = "add"
        """`add`, `multiply` or `chain`."""
        reversed: bool = off_stream(False)
        """Write every number last digit first."""
        train_depth: int = 8

        def __post_init__(self) -> None:
            """Refuse what no problem can be drawn from."""
            super().__post_init__()
            self.choose("operation", ("add", "multiply", "chain"))
            self.require("size", whole(self.size, 1, 100), "1 to 100")

    levels: ClassVar = tuple({"size": n} for n in range(1, 13))
    grows = "size"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.base.operation == "chain":
            pairs = frozenset({("multiply", "subtract"), ("subtract", "add")})
            self.holdout = replace(self.holdout, pairs=pairs)

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """Two numbers of as many digits, or a chain of operations on single digits."""
        if cfg.operation == "chain":
            problem = _draw_chain(rng, cfg.size)
        else:
            low = 10 ** (cfg.size - 1) if cfg.size > 1 else 0
            a, b = (rng.randrange(low, 10**cfg.size) for _ in range(2))
            problem = [str(a), "+" if cfg.operation == "add" else "*", str(b)]
        skills, _, value = _work(problem, cfg.operation)
        return Draft(
            prompt=self._prompt(problem),
            answer=self._write(value),
            skills=tuple(skills),
            depth=cfg.size,
            data={"operation": cfg.operation, "problem": problem},
        )

    def _prompt(self, problem: list[str]) -> str:
        text = self._write(problem[0])
        for i in range(1, len(problem), 2):
            left = f"({text})" if i > 1 else text
            text = f"{left}{problem[i]}{self._write(problem[i + 1])}"
        if self.tiny:
            return f"{text}?"
        how = _REVERSED if self.base.reversed else ""
        return f"Compute {text}. {how}End with the result, in the form <answer>number</answer>"

    def _write(self, piece: str) -> str:
        """A number as the problem wants it written; signs and operators stay as they are."""
        if not self.base.reversed:
            return piece
        sign, digits = ("-", piece[1:]) if piece[0] == "-" else ("", piece)
        return sign + digits[::-1]

    def skills(self) -> tuple[str, ...]:
        """Columns with and without a carry from the last one or, in a chain, operations."""
        if self.base.operation == "chain":
            return tuple(name for name, _ in OPERATIONS.values())
        kinds = ("add", "multiply")[: 1 + (self.base.operation == "multiply")]
        return tuple(f"{kind}{carry}" for kind in kinds for carry in ("", "_carry"))

    def identity(self, draft: Draft) -> JSON:
        """The problem, however its numbers are written; a + b and b + a are one problem."""
        one, symbol, other, *further = draft.data["problem"]
        if symbol != "-":
            one, other = sorted((one, other))
        return [draft.data["operation"], one, symbol, other, *further]

    def verify(self, task: Task, answer: str) -> bool:
        """The number; in reverse or in `tiny`, its very digits."""
        if self.tiny or self.base.reversed:
            return answer == task.answer
        return number(answer, task.answer or "")

    def solution(self, task: Task) -> str:
        """Every column with its carry, or every operation, then the result."""
        _, steps, _ = _work(task.data["problem"], task.data["operation"])
        return self.worked(["".join(map(self._write, step)) for step in steps], task)

    def steps(self, task: Task, completion: str) -> Sequence[StepScore]:
        """Every equation; its value is what stands behind the equals sign."""
        _, steps, _ = _work(task.data["problem"], task.data["operation"])
        values = [self._write(step[-1]) for step in steps]
        return self.read_steps(completion, values, _EQUATION, behind("="))

    def calls(self, task: Task, completion: str, steps: Sequence[StepScore]) -> list[Call]:
        """Operators on numbers, in a column also on what was carried."""
        found = []
        for step in steps:
            equation, value = parted(completion, step)
            if match := _CALL.fullmatch(equation):
                one, sign, other, plus, carry = match.groups("")
                args = (one, other, carry) if plus else (one, other)
                found.append(Call(sign + plus, args, value))
        return found

    def step_count(self, task: Task) -> int:
        """Equations of the worked solution."""
        return len(_work(task.data["problem"], task.data["operation"])[1])


Work = tuple[list[str], list[Step], str]
"""Skills in the order in which they are used, equations, and the result."""


def _work(problem: list[str], operation: str) -> Work:
    if operation == "chain":
        return _chain(problem)
    a, b = int(problem[0]), int(problem[2])
    if operation == "add":
        return *_addition(a, b), str(a + b)
    return *_multiplication(a, b), str(a * b)


def _draw_chain(rng: random.Random, size: int) -> list[str]:
    """Operands and operators by turns, to be worked out from the left."""
    value = rng.randrange(10)
    problem = [str(value)]
    for _ in range(size):
        operand = rng.randrange(10)
        fits = abs(value * operand) <= LARGEST
        symbol = rng.choice("+-*" if fits else "+-")
        value = OPERATIONS[symbol][1](value, operand)
        problem += [symbol, str(operand)]
    return problem


def _chain(problem: list[str]) -> Work:
    value, skills, steps = problem[0], [], []
    for symbol, operand in zip(problem[1::2], problem[2::2], strict=True):
        name, compute = OPERATIONS[symbol]
        result = str(compute(int(value), int(operand)))
        skills.append(name)
        steps.append((value, symbol, operand, "=", result))
        value = result
    return skills, steps, value


def _addition(a: int, b: int) -> tuple[list[str], list[Step]]:
    """Columns from the right: two digits and the carry, and their sum with its own carry."""
    carry, skills, steps = 0, [], []
    for one, other in zip_longest(str(a)[::-1], str(b)[::-1], fillvalue="0"):
        total = int(one) + int(other) + carry
        skills.append("add_carry" if carry else "add")
        steps.append((one, "+", other, "+", str(carry), "=", f"{total:02}"))
        carry = total // 10
    return skills, steps


def _multiplication(a: int, b: int) -> tuple[list[str], list[Step]]:
    """For each digit of b a row, worked out by columns, and the sum of the rows so far."""
    skills: list[str] = []
    steps: list[Step] = []
    so_far = 0
    for place, digit in enumerate(str(b)[::-1]):
        carry = 0
        for one in str(a)[::-1]:
            total = int(one) * int(digit) + carry
            skills.append("multiply_carry" if carry else "multiply")
            steps.append((one, "*", digit, "+", str(carry), "=", f"{total:02}"))
            carry = total // 10
        row = a * int(digit) * 10**place
        steps.append((str(a), "*", str(int(digit) * 10**place), "=", str(row)))
        if place:
            more_skills, more_steps = _addition(so_far, row)
            skills += more_skills
            steps += [*more_steps, (str(so_far), "+", str(row), "=", str(so_far + row))]
        so_far += row
    return skills, steps
