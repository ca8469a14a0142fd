"""Recall and traversal of a taxonomy that a model has to know; every hop of a walk is scored.

The taxonomy is a fixed tree of invented names (`CHILDREN`; a change of it raises `version`). A walk
starts at a name and goes up to its parent, down to its first or last child, or on to its next
sibling; level n takes n hops. The answer is every name that is reached: half of the credit is for
the last one, half for the share of the path that is right from its start. Aunts (parent, then next
sibling) are never trained on and make `ood_pair`. With `preset=chat` (the default) a model is asked

    This is about the Tavi taxonomy.
    Start at lolu and go to its parent, then to its next sibling.
    End with every name that you reach, in order, as in <answer>abab, obob</answer>

with `facts=shown` below the families that the walk passes through and some others, and with
`preset=tiny`, where the worked solution names every hop,

    lolu^>?
    lolu^pavo;pavo>kosa;#pavo,kosa

A fact that is asked for alone in the test split is in training as a hop of longer walks only, so
train on levels 1 and 2 together. Try `rlskills env sample hierarchy --level 2`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise, product
from typing import ClassVar

from rlskills.environments import Draft, StepScore, Task, off_stream, register, rng_of
from rlskills.environments.grading import read_list
from rlskills.environments.steps import Call, behind, parted
from rlskills.environments.types import JSON

from .presets import PresetEnvironment, prefix_share, whole

_HOP = re.compile(r"[a-z]{4}[\^\[\]>]")
_RELATION = re.compile(r"[\^\[\]>]")
_FACT = re.compile("The ")
_OF = re.compile(r"The ([a-z]+(?: [a-z]+)?) of (\S+) is")
VERSION = 1
ROWS = 5
"""Of the tree, its root included."""
RELATIONS = {"parent": "^", "first_child": "[", "last_child": "]", "next_sibling": ">"}
OTHERS = 3
"""Families shown beside those that are needed."""


def _grow() -> dict[str, tuple[str, ...]]:
    """Names with their children in order, row by row: two to four each, none in the last row."""
    rng = rng_of("hierarchy", "taxonomy", VERSION)
    syllables = ["".join(pair) for pair in product("bdfgklmnprstvz", "aeiou")]
    names = iter(rng.sample(["".join(pair) for pair in product(syllables, repeat=2)], 500))
    row, children = [next(names)], {}
    for _ in range(ROWS - 1):
        families = {name: tuple(next(names) for _ in range(rng.randint(2, 4))) for name in row}
        children |= families
        row = [name for family in families.values() for name in family]
    return children | dict.fromkeys(row, ())


CHILDREN = _grow()
"""The taxonomy: every name with its children, the root first."""
PARENT = {child: name for name, family in CHILDREN.items() for child in family}


@register("hierarchy")
class Hierarchy(PresetEnvironment):
    """Walk n hops through a fixed taxonomy; the answer and the path to it are scored."""

    @dataclass(frozen=True)
    class Config(PresetEnvironment.Config):
        """What a level sets."""

        hops: int = 1
        """Relations to follow."""
        rows: int = ROWS
        """Use only this many rows of the taxonomy, from the root."""
        facts: str = off_stream("hidden")
        """`hidden`: the model has to know them; `shown`: those needed are in the prompt."""
        train_depth: int = 4

        def __post_init__(self) -> None:
            """Refuse what no problem can be drawn from."""
            super().__post_init__()
            self.choose("facts", ("hidden", "shown"))
            self.require("hops", whole(self.hops, 1, 12), "1 to 12")
            self.require("rows", whole(self.rows, 3, ROWS), f"3 to {ROWS}")

    levels: ClassVar = tuple({"hops": n} for n in range(1, 7))
    grows = "hops"
    version = VERSION
    reward_components = ("last", "path")
    pairs_held_out = frozenset({("parent", "next_sibling")})

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """A start and hops from it such that no name is met twice."""
        names = _upper(cfg.rows)
        path, relations = _walk(rng, names, cfg.hops)
        asked = [_family(way, name) for way, name in zip(relations, path, strict=False)]
        others = rng.sample([name for name in names if CHILDREN[name]], OTHERS)
        shown = list(dict.fromkeys([*asked, *others]))
        rng.shuffle(shown)
        return Draft(
            prompt=self._prompt(path[0], relations, shown if cfg.facts == "shown" else []),
            answer=("," if self.tiny else ", ").join(path[1:]),
            skills=tuple(relations),
            depth=cfg.hops,
            data={"path": path, "relations": relations},
        )

    def _prompt(self, start: str, relations: list[str], families: list[str]) -> str:
        if self.tiny:
            facts = "".join(f"{name}:{','.join(CHILDREN[name])};" for name in families)
            return f"{facts}{start}{''.join(RELATIONS[way] for way in relations)}?"
        facts = [f"The children of {name} are, in order, {', '.join(CHILDREN[name])}."
                 for name in families]  # fmt: skip
        hops = ", then ".join(f"to its {_words(way)}" for way in relations)
        return "\n".join(
            [
                "This is about the Tavi taxonomy.",
                *facts,
                f"Start at {start} and go {hops}.",
                "End with every name that you reach, in order, as in <answer>abab, obob</answer>",
            ]
        )

    def skills(self) -> tuple[str, ...]:
        """The relations."""
        return tuple(RELATIONS)

    def behaviours(self) -> dict[str, Callable[[str], str | None]]:
        """Where each relation leads."""
        return {relation: partial(follow, relation) for relation in RELATIONS}

    def cases(self, rng: random.Random) -> Iterator[str]:
        """Names of the taxonomy."""
        names = list(CHILDREN)
        while True:
            yield rng.choice(names)

    def identity(self, draft: Draft) -> JSON:
        """The start and the hops, whatever facts are shown."""
        return [draft.data["path"][0], draft.data["relations"]]

    def verify(self, task: Task, answer: str) -> float:
        """Half for the last name and half for the path up to its first mistake."""
        return sum(self.component_scores(task, answer).values()) / 2

    def component_scores(self, task: Task, answer: str) -> dict[str, float]:
        """`last`: whether the last name is right; `path`: the share before the first mistake."""
        found, path = read_list(answer.lower()) or [""], task.data["path"][1:]
        return {"last": float(found[-1] == path[-1]), "path": prefix_share(found, path)}

    def solution(self, task: Task) -> str:
        """Every hop as a fact, then all the names."""
        path, relations = task.data["path"], task.data["relations"]
        hops = zip(path, relations, path[1:], strict=False)
        if self.tiny:
            return self.worked([f"{name}{RELATIONS[way]}{to}" for name, way, to in hops], task)
        return self.worked(
            [f"The {_words(way)} of {name} is {to}." for name, way, to in hops], task
        )

    def steps(self, task: Task, completion: str) -> Sequence[StepScore]:
        """Every hop; its value is the name that it leads to."""
        names = task.data["path"][1:]
        if self.tiny:
            return self.read_steps(completion, names, _HOP, lambda hop: _RELATION.split(hop)[-1])
        return self.read_steps(completion, [f"{name}." for name in names], _FACT, behind(" is "))

    def calls(self, task: Task, completion: str, steps: Sequence[StepScore]) -> list[Call]:
        """Relations of a name."""
        named = {mark: relation for relation, mark in RELATIONS.items()}
        found = []
        for step in steps:
            hop, to = parted(completion, step)
            if self.tiny and hop[-1:] in named:
                found.append(Call(named[hop[-1]], (hop[:-1],), to))
            elif match := _OF.fullmatch(hop.rstrip()):
                found.append(Call(match[1].replace(" ", "_"), (match[2],), to.rstrip(".")))
        return found

    def functions(self) -> dict[str, Callable[[str], str]]:
        """Where each relation leads."""
        return {relation: partial(_led, relation) for relation in RELATIONS}

    def step_count(self, task: Task) -> int:
        """Hops."""
        return len(task.data["relations"])


def follow(relation: str, name: str) -> str | None:
    """Where a relation leads from a name; None where it leads nowhere."""
    if relation in ("first_child", "last_child"):
        family = CHILDREN[name]
        return family[0 if relation == "first_child" else -1] if family else None
    if name not in PARENT or relation == "parent":
        return PARENT.get(name)
    family = CHILDREN[PARENT[name]]
    return next((other for child, other in pairwise(family) if child == name), None)


def _led(relation: str, name: str) -> str:
    """As `follow`, with a `ValueError` where there is nothing."""
    to = follow(relation, name) if name in CHILDREN else None
    if to is None:
        raise ValueError(f"{name} has no {_words(relation)}")
    return to


def _walk(rng: random.Random, names: Mapping[str, None], hops: int) -> tuple[list[str], list[str]]:
    """Names from a random start on, and the relations between them."""
    path: list[str] = []
    relations: list[str] = []
    while len(relations) < hops:
        if not path:
            path, relations = [rng.choice(list(names))], []
        ways = [(way, follow(way, path[-1])) for way in RELATIONS]
        new = [(way, to) for way, to in ways if to and to in names and to not in path]
        if not new:  # a dead end: start anew
            path = []
            continue
        way, to = rng.choice(new)
        relations.append(way)
        path.append(to)
    return path, relations


@cache
def _upper(rows: int) -> dict[str, None]:
    """The names in the upper rows, in order."""
    upper = row = list(CHILDREN)[:1]
    for _ in range(rows - 1):
        row = [child for name in row for child in CHILDREN[name]]
        upper = [*upper, *row]
    return dict.fromkeys(upper)


def _family(relation: str, name: str) -> str:
    """Whose children one has to know to follow a relation."""
    return name if relation.endswith("child") else PARENT[name]


def _words(relation: str) -> str:
    return relation.replace("_", " ")
