"""What a completion claims of each call, and what a task knows of it.

`Environment.steps` says where the worked steps of a completion stand; a claim is such a step taken
apart into function, arguments and result. Calls are read as `f(a, b)`, `(a + b)` and `(a).f()`.
Nothing that a model wrote is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...environments import Environment, StepScore, Task
from ...environments.steps import parted
from ...errors import UserError

Library: TypeAlias = Mapping[str, Callable[..., str]]
"""What each function does to its arguments, which are texts."""
LONGEST = 2_000
"""Characters of a call beyond which it is no claim."""

_NAMED = re.compile(r"([\w.]+)\((.*)\)", re.DOTALL)
_METHOD = re.compile(r"\((.*)\)\.(\w+)\(\)", re.DOTALL)
_SUM = re.compile(r"\((.*)\)", re.DOTALL)


@dataclass(frozen=True)
class Claim:
    """That `op` on `args` gives `value`, as a completion says."""

    op: str
    args: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class Known:
    """A step of a task, with its true value. An argument that is a number is the value of the
    step with that number; a text is itself."""

    op: str
    args: tuple[int | str, ...]
    value: str


@dataclass(frozen=True)
class Problem:
    """The steps of a task in evaluation order, operands before what takes them; the last one gives
    the answer. `given` is the input. Operands of `commutative` functions may change places."""

    steps: tuple[Known, ...]
    given: str
    commutative: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for i, step in enumerate(self.steps):
            if any(isinstance(arg, int) and not 0 <= arg < i for arg in step.args):
                raise UserError(f"step {i} takes the value of a step that does not precede it")
        if not self.steps:
            raise UserError("a problem needs at least one step")

    @property
    def answer(self) -> str:
        """The value of the last step."""
        return self.steps[-1].value

    @property
    def composed(self) -> bool:
        """Whether any step takes the value of another."""
        return any(isinstance(arg, int) for step in self.steps for arg in step.args)

    def args(self, i: int, values: Sequence[str] | None = None) -> tuple[str, ...]:
        """The arguments of step i, given what the steps before it returned (by default, truly)."""
        found = [step.value for step in self.steps] if values is None else values
        return tuple(found[arg] if isinstance(arg, int) else arg for arg in self.steps[i].args)


def problem(
    calls: Sequence[Sequence[str]], given: str = "", commutative: frozenset[str] = frozenset()
) -> Problem:
    """A problem of calls on values with what they return, as in `task.data["steps"]`.

    Arguments that are values are found by `linked`.
    """
    found = []
    for written, returned in calls:
        called = _call(written)
        if called is None:
            raise UserError(f"not a call that can be read: {written[:80]!r}")
        found.append(Claim(*called, plain(returned)))
    return linked(found, given, commutative)


def linked(
    calls: Sequence[Claim], given: str = "", commutative: frozenset[str] = frozenset()
) -> Problem:
    """The problem of which these are the true calls.

    They stand in the order in which a tree is evaluated, so that an argument equal to the last
    value not taken yet is that value. `given` is by default the first argument of the first.
    """
    steps: list[Known] = []
    waiting: list[int] = []
    for call in calls:
        args: list[int | str] = list(call.args)
        for place in reversed(range(len(args))):
            if waiting and steps[waiting[-1]].value == args[place]:
                args[place] = waiting.pop()
        waiting.append(len(steps))
        steps.append(Known(call.op, tuple(args), call.value))
    first = steps[0].args if steps else ()
    return Problem(tuple(steps), given or str(first[0] if first else ""), commutative)


def problem_of(env: Environment, task: Task) -> Problem | None:
    """The problem of a task by its worked solution; None where that has no steps or others than
    calls."""
    count = env.step_count(task)
    if not count:
        return None
    text = env.solution(task)
    found = claims_of(env, task, text, env.steps(task, text))
    given = task.data.get("input", "")
    same = len(found) == count
    return linked(found, given if isinstance(given, str) else "") if same else None


def claims_of(
    env: Environment, task: Task, completion: str, steps: Sequence[StepScore]
) -> list[Claim]:
    """The claims of a completion, as its environment takes its steps apart."""
    calls = env.calls(task, completion, steps)
    return claims_in(completion, steps) if calls is None else [Claim(*call) for call in calls]


def claims_in(completion: str, steps: Sequence[StepScore]) -> list[Claim]:
    """The claims of a completion, at the spans that an environment read; others are left out."""
    found = []
    for step in steps:
        written, value = parted(completion, step)
        if len(written) <= LONGEST and (called := _call(written)):
            found.append(Claim(*called, plain(value)))
    return found


def applied(act: Callable[..., str], args: Sequence[str]) -> str | None:
    """None where the function does not take such arguments."""
    try:
        return act(*args)
    except (TypeError, ValueError, IndexError, KeyError):
        return None


def _call(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Function and arguments of one call on values."""
    text = text.strip()
    if match := _NAMED.fullmatch(text):
        return match[1], tuple(map(plain, _split(match[2], ",")))
    if match := _METHOD.fullmatch(text):
        return f".{match[2]}", (plain(match[1]),)
    if (match := _SUM.fullmatch(text)) and len(parts := list(_split(match[1], "+"))) == 2:
        return "+", tuple(map(plain, parts))
    return None


def _split(text: str, mark: str) -> Iterator[str]:
    """Parts between marks that stand outside of quotation marks and parentheses."""
    begin, depth, quote, skip = 0, 0, "", False
    for i, letter in enumerate(text):
        if skip or (quote and letter == "\\"):
            skip = not skip
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == mark and not depth:
            yield text[begin:i]
            begin = i + 1
    yield text[begin:]


def plain(value: str) -> str:
    """A value without its quotation marks, or without blanks where it has none."""
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return "".join(text.split())
