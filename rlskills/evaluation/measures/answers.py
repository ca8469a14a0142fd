"""What explains a wrong answer that comes without steps: which mistakes would have given it.

Every mistake is a changed program worked out by the true functions. Where the results of only one
class of mistakes hold the answer, that is its class; results of several classes may agree, and at
depth 3 a fifth to a third of the mistakes are ambiguous for that reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ...errors import UserError
from .claims import Known, Library, Problem, applied

Mistake: TypeAlias = Literal[
    "ignores composition", "incomplete trace", "wrong composition", "atomic error"
]
Program: TypeAlias = Sequence[Known]


@dataclass(frozen=True)
class Explanation:
    """The classes of mistakes that give an answer."""

    kinds: frozenset[Mistake]
    confused: tuple[tuple[str, str], ...]
    """(function asked, function used instead), where that gives it."""

    @property
    def kind(self) -> str:
        """The only class, else `ambiguous`, or `other` where nothing explains the answer."""
        if len(self.kinds) == 1:
            return next(iter(self.kinds))
        return "ambiguous" if self.kinds else "other"


def explain(task: Problem, answer: str, library: Library) -> Explanation:
    """Which mistakes give this answer; a `UserError` for the right one."""
    if answer == task.answer:
        raise UserError("the answer is right: there is no mistake to explain")
    return explanations(task, library).get(answer, Explanation(frozenset(), ()))


def explanations(task: Problem, library: Library) -> dict[str, Explanation]:
    """What explains each answer that a mistake gives; for many answers to one problem."""
    kinds: dict[str, set[Mistake]] = {}
    pairs: dict[str, dict[tuple[str, str], None]] = {}
    for kind, value, pair in mistakes(task, library):
        kinds.setdefault(value, set()).add(kind)
        if pair:
            pairs.setdefault(value, {})[pair] = None
    return {
        value: Explanation(frozenset(found), tuple(pairs.get(value, ())))
        for value, found in kinds.items()
    }


def blind_to(task: Problem, library: Library) -> frozenset[Mistake]:
    """Classes with a mistake that leaves the answer right, as where a function changes nothing.

    For these the problem is no test.
    """
    return frozenset(kind for kind, value, _ in mistakes(task, library) if value == task.answer)


def mistakes(
    task: Problem, library: Library
) -> Iterator[tuple[Mistake, str, tuple[str, str] | None]]:
    """Every mistake with its class, its result and the confused functions, if it confuses two.

    Input or one function on it: ignores composition. A part of the program, or one call skipped:
    incomplete. Neighbours, branches or parameters exchanged: wrong composition. One function for
    another: atomic. Programs of one function on the input count as the first class only.
    """
    if missing := {step.op for step in task.steps} - library.keys():
        raise UserError(f"the library lacks {', '.join(sorted(missing))}")
    yield "ignores composition", task.given, None
    for kind, program in _programs(task):
        value = _run(program, library)
        if value is not None:
            yield kind, value, None
    for i in range(len(task.steps)):
        for other, value in _confused(task, i, library):
            yield "atomic error", value, (task.steps[i].op, other)


def _programs(task: Problem) -> Iterator[tuple[Mistake, Program]]:
    steps = task.steps
    for i, step in enumerate(steps):
        place = _operand(task, step)
        if place is not None:
            alone = (*step.args[:place], task.given, *step.args[place + 1 :])
            yield "ignores composition", [replace(step, args=alone)]
            if i < len(steps) - 1 and _live(skipped := _skip(steps, i, step.args[place])) > 1:
                yield "incomplete trace", skipped
        if i < len(steps) - 1 and _live(steps[: i + 1]) > 1:
            yield "incomplete trace", steps[: i + 1]
        for program in _exchanged(task, i):
            yield "wrong composition", program


def _exchanged(task: Problem, i: int) -> Iterator[Program]:
    """Step i exchanged with its operand's, its branches, or its parameters with a later step's."""
    steps, step = task.steps, task.steps[i]
    place = _operand(task, step)
    if place is not None and isinstance(j := step.args[place], int):
        inner = _operand(task, steps[j])
        if inner is not None:
            outer_args = (*steps[j].args[:inner], j, *steps[j].args[inner + 1 :])
            inner_args = (*step.args[:place], steps[j].args[inner], *step.args[place + 1 :])
            changed = {j: replace(step, args=inner_args), i: replace(steps[j], args=outer_args)}
            yield [changed.get(k, old) for k, old in enumerate(steps)]
    branches = [k for k, arg in enumerate(step.args) if isinstance(arg, int)]
    if len(branches) == 2:
        one, two = branches
        args = list(step.args)
        args[one], args[two] = args[two], args[one]
        yield [*steps[:i], replace(step, args=tuple(args)), *steps[i + 1 :]]
    mine = _parameters(task, step)
    for k in range(i + 1, len(steps)):
        theirs = _parameters(task, steps[k])
        if mine and len(mine) == len(theirs):
            changed = {
                i: _with(step, mine, steps[k], theirs),
                k: _with(steps[k], theirs, step, mine),
            }
            yield [changed.get(n, old) for n, old in enumerate(steps)]


def _with(step: Known, places: Sequence[int], other: Known, theirs: Sequence[int]) -> Known:
    """A step with the parameters of another."""
    args = list(step.args)
    for place, there in zip(places, theirs, strict=True):
        args[place] = other.args[there]
    return replace(step, args=tuple(args))


def _skip(steps: Program, i: int, operand: int | str) -> Program:
    """The program in which what step i takes goes straight to where its value went."""
    return [
        replace(step, args=tuple(operand if arg == i and isinstance(arg, int) else arg
                                 for arg in step.args))
        for step in steps
    ]  # fmt: skip


def _operand(task: Problem, step: Known) -> int | None:
    """The place of the only argument that is an earlier value or the input; None if not one."""
    places = [k for k, arg in enumerate(step.args) if isinstance(arg, int) or arg == task.given]
    return places[0] if len(places) == 1 else None


def _parameters(task: Problem, step: Known) -> list[int]:
    """The places of arguments that are neither."""
    return [k for k, arg in enumerate(step.args) if isinstance(arg, str) and arg != task.given]


def _live(steps: Program) -> int:
    """How many steps the last one needs, itself included."""
    needed = {len(steps) - 1}
    for i in reversed(range(len(steps))):
        if i in needed:
            needed |= {arg for arg in steps[i].args if isinstance(arg, int)}
    return len(needed)


def _run(steps: Program, library: Library, before: Sequence[str] = ()) -> str | None:
    """The value of the last step, given those `before`; None where a function does not take what
    it is given."""
    values = list(before)
    for step in steps:
        args = [values[arg] if isinstance(arg, int) else arg for arg in step.args]
        value = applied(library[step.op], args)
        if value is None:
            return None
        values.append(value)
    return values[-1]


def _confused(task: Problem, i: int, library: Library) -> Iterator[tuple[str, str]]:
    """Every other function at step i, and the value of the last step with it.

    Steps before it are as they were, and what follows is run once for each value of step i.
    """
    before, args = [step.value for step in task.steps[:i]], task.args(i)
    ends: dict[str, str | None] = {}
    for other, act in library.items():
        value = applied(act, args) if other != task.steps[i].op else None
        if value is None:
            continue
        if value not in ends:
            ends[value] = _run(task.steps[i + 1 :], library, [*before, value])
        end = ends[value]
        if end is not None:
            yield other, end
