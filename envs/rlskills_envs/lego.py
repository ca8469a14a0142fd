"""LEGO: follow a chain of variables, each the last one times an element of a group.

Zhang et al. 2022 (arXiv 2206.04301) made the task; Skill-It (arXiv 2307.14430) took the position
of the variable that is asked for as the skill: each position needs the one before it. The clauses
stand in any order. Level n asks for the n-th variable of the chain. With `preset=chat` (the
default) a model is asked

    Variables are signs, + or -. "b = -a" gives b the opposite sign of a, "b = +a" the same sign.
    q = -a, c = -q, a = +
    Find the value of c. End with it, in the form <answer>value</answer>

and with `preset=tiny`, where the worked solution resolves the chain from its start,

    q=-a,c=-q,a=+.c?
    a=+;q=-a=-;c=-q=+;#+

`group` may also be `z3`, `z5`, `z7` or `z10` (adding modulo n), or `s3` (rearranging three digits,
where order matters). Try `rlskills env sample lego --level 3`.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

from rlskills.environments import Draft, StepScore, Task, register
from rlskills.environments.steps import Call, behind, parted
from rlskills.environments.types import JSON
from rlskills.errors import UnknownName

from .presets import PresetEnvironment, whole

MINUS = "\u2212"
"""The typographic sign, as chat models write it."""
_ASSIGNMENT = re.compile(r"[a-zA-Z] ?=")


@dataclass(frozen=True)
class Group:
    """Elements as they are written, and how one of them acts on a variable's value."""

    elements: tuple[str, ...]
    act: Callable[[str, str], str]
    """(element, value) -> value."""
    clause: str
    """How `element` acting on `variable` is written, without blanks."""
    rule: str
    """What that means, for a reader."""


def _rearrange(element: str, value: str) -> str:
    return "".join(value[int(place) - 1] for place in element)


def _cyclic(order: int) -> Group:
    return Group(
        tuple(map(str, range(order))),
        lambda element, value: str((int(value) + int(element)) % order),
        "{variable}+{element}",
        f'Variables are numbers from 0 to {order - 1}. "b = a+2" adds 2 modulo {order}.',
    )


GROUPS = {
    "z2": Group(
        ("+", "-"),
        lambda element, value: "+" if element == value else "-",
        "{element}{variable}",
        'Variables are signs, + or -. "b = -a" gives b the opposite sign of a, "b = +a" the same '
        "sign.",
    ),
    **{f"z{order}": _cyclic(order) for order in (3, 5, 7, 10)},
    "s3": Group(
        tuple(map("".join, permutations("123"))),
        _rearrange,
        "{variable}:{element}",
        'Variables are arrangements of the digits 1, 2, 3. "b = a:231" gives b the second digit '
        "of a, then its third, then its first.",
    ),
}


@register("lego")
class Lego(PresetEnvironment):
    """Resolve shuffled assignments over a group; level n asks for the n-th variable of a chain."""

    version = 2

    @dataclass(frozen=True)
    class Config(PresetEnvironment.Config):
        """What a level sets."""

        position: int = 1
        """Which variable of the chain is asked for, from 1."""
        group: str = "z2"
        """z2 (signs), z3, z5, z7, z10 (cyclic) or s3 (not commutative)."""
        clauses: int = 0
        """Show at least this many: those behind the asked variable do not matter to it."""
        train_depth: int = 6

        def __post_init__(self) -> None:
            """Refuse what no problem can be drawn from."""
            super().__post_init__()
            if self.group not in GROUPS:
                raise UnknownName("group of lego", self.group, GROUPS)
            most = len(string.ascii_letters)
            self.require("position", whole(self.position, 1, most), f"1 to {most}")
            self.require("clauses", whole(self.clauses, 0, most), f"0 to {most}")

    levels: ClassVar = tuple({"position": n} for n in range(1, 13))
    grows = "position"

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """A chain of distinct variables with random elements; its clauses in random order."""
        group = GROUPS[cfg.group]
        length = max(cfg.position, cfg.clauses)
        variables = rng.sample(string.ascii_letters, length)
        elements = rng.choices(group.elements, k=length)
        chain = [f"{variables[0]}={elements[0]}"]
        for before, variable, element in zip(variables, variables[1:], elements[1:], strict=False):
            chain.append(f"{variable}={group.clause.format(variable=before, element=element)}")
        value, values = elements[0], [elements[0]]
        for element in elements[1 : cfg.position]:
            value = group.act(element, value)
            values.append(value)
        shown = rng.sample(chain, length)
        return Draft(
            prompt=self._prompt(shown, variables[cfg.position - 1], cfg),
            answer=value,
            skills=tuple(position(n) for n in range(1, cfg.position + 1)),
            depth=cfg.position,
            data={"group": cfg.group, "chain": chain[: cfg.position], "values": values},
        )

    def _prompt(self, clauses: list[str], asked: str, cfg: Config) -> str:
        if self.tiny:
            return f"{','.join(clauses)}.{asked}?"
        group = GROUPS[cfg.group]
        listed = ", ".join(clause.replace("=", " = ") for clause in clauses)
        return (
            f"{group.rule}\n{listed}\nFind the value of {asked}. "
            "End with it, in the form <answer>value</answer>"
        )

    def skills(self) -> tuple[str, ...]:
        """The positions of all levels."""
        return tuple(position(n) for n in range(1, len(self.levels) + 1))

    def prerequisites(
        self, levels: Iterable[int], split: str = "train", draws: int = 0
    ) -> dict[str, tuple[str, ...]]:
        """Each position needs the one before it, whatever is drawn."""
        needed = range(1, max(levels, default=0) + 1)
        return {position(n): (position(n - 1),) if n > 1 else () for n in needed}

    def identity(self, draft: Draft) -> JSON:
        """The chain up to the asked variable: neither order nor what comes behind it matters."""
        return [draft.data["group"], draft.data["chain"]]

    def solution(self, task: Task) -> str:
        """Every variable of the chain with its value, then the answer."""
        first, *others = task.data["chain"]
        _, *values = task.data["values"]
        steps = [first, *(f"{one}={value}" for one, value in zip(others, values, strict=True))]
        return self.worked(steps if self.tiny else [s.replace("=", " = ") for s in steps], task)

    def verify(self, task: Task, answer: str) -> bool:
        """Signs are the same in any type of dash that stands for minus."""
        return answer.replace(MINUS, "-") == task.answer

    def steps(self, task: Task, completion: str) -> Sequence[StepScore]:
        """Every variable with its value, which stands behind the last equals sign."""
        value = behind("=" if self.tiny else " = ")
        return self.read_steps(completion, task.data["values"], _ASSIGNMENT, value)

    def calls(self, task: Task, completion: str, steps: Sequence[StepScore]) -> list[Call]:
        """Every variable, of its clause and of what was said of the variable in it."""
        known: dict[str, str] = {}
        found = []
        for step in steps:
            assignment, value = parted(completion, step)
            variable, _, clause = assignment.replace(" ", "").partition("=")
            taken = [known.get(letter, letter) for letter in clause if letter.isalpha()]
            found.append(Call(variable, (clause, *taken) if clause else (), value))
            known[variable] = value
        return found

    def step_count(self, task: Task) -> int:
        """Variables up to the one that is asked for."""
        return len(task.data["values"])


def position(number: int) -> str:
    """The skill of resolving the variable at this place of a chain, from 1."""
    return f"position_{number}"
