"""Follow a list of instructions to the letter; the result of every step is asked for and scored.

After ProcBench (Fujisawa et al. 2024, arXiv 2410.03117): nothing has to be known or planned, only
done in order, and credit is the share of results that is right before the first mistake (its prefix
accuracy). Level n has n instructions on a string of letters or, with `kind=list`, a list of
numbers. `move` is never composed in training (`ood_skill`), and some pairs of instructions never
follow each other (`ood_pair`). With `preset=chat` (the default) a model is asked

    Start with the string efagd and follow these steps, each on the result of the one before.
    1. Reverse it.
    2. Swap items 1 and 3.
    End with the result of every step, one a line, as in
    <answer>
    ab
    ba
    </answer>

and with `preset=tiny`, where the answer is the worked solution already,

    efagd:R,S1-3?
    #dgafe/agdfe

Items are counted from 1. Try `rlskills env sample procedure --level 3`.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rlskills.environments import Draft, StepScore, Task, register
from rlskills.environments.steps import Call, StepForm, behind, parted
from rlskills.environments.types import JSON

from .presets import PresetEnvironment, prefix_share, whole

Items = list[str]
Case = tuple[Items, int, int, str]
"""Items, a place, a later place and a filler."""
SHORTEST, LONGEST = 3, 8
"""Items that instructions leave."""
FILLERS = {"string": tuple(string.ascii_lowercase), "list": tuple(map(str, range(10, 100)))}
LONG_ANSWER = 20_000
"""Characters above which a text is no answer."""


@dataclass(frozen=True)
class Instruction:
    """What one instruction does, how it is put in words, and how briefly."""

    arguments: str
    """What is drawn for it: places `a` any, `b` but the last, `c` but the first; `i` an item."""
    apply: Callable[..., Items]
    text: str
    brief: str


def _swap(items: Items, one: int, other: int) -> Items:
    items = list(items)
    items[one - 1], items[other - 1] = items[other - 1], items[one - 1]
    return items


INSTRUCTIONS = {
    "reverse": Instruction("", lambda s: s[::-1], "Reverse it.", "R"),
    "rotate": Instruction(
        "b", lambda s, p: s[p:] + s[:p], "Move the first {} items to the end, in order.", "L{}"
    ),
    "swap": Instruction("aa", _swap, "Swap items {} and {}.", "S{}-{}"),
    "delete": Instruction("a", lambda s, p: s[: p - 1] + s[p:], "Delete item {}.", "D{}"),
    "insert": Instruction(
        "ai", lambda s, p, i: [*s[: p - 1], i, *s[p - 1 :]], "Insert {1} before item {0}.", "I{}-{}"
    ),
    "double": Instruction(
        "a", lambda s, p: s[:p] + s[p - 1 :], "Write item {0} twice in a row.", "T{}"
    ),
    "replace": Instruction(
        "ai", lambda s, p, i: [*s[: p - 1], i, *s[p:]], "Replace item {} by {}.", "P{}-{}"
    ),
    "move": Instruction(
        "c", lambda s, p: [s[p - 1], *s[: p - 1], *s[p:]], "Move item {} to the front.", "M{}"
    ),
}
GROWING, SHRINKING = ("insert", "double"), ("delete",)

_QUESTION = """\
Start with the {kind} {start} and follow these steps, each on the result of the one before.
{steps}
End with the result of every step, one a line, as in
<answer>
{example}
</answer>"""


@register("procedure")
class Procedure(PresetEnvironment):
    """Follow n instructions on a string or list; every intermediate result is scored."""

    @dataclass(frozen=True)
    class Config(PresetEnvironment.Config):
        """What a level sets."""

        steps: int = 1
        """Instructions."""
        kind: str = "string"
        """`string` (of letters) or `list` (of numbers)."""
        length: int = 5
        """Items at the start."""
        train_depth: int = 8

        def __post_init__(self) -> None:
            """Refuse what no problem can be drawn from."""
            super().__post_init__()
            self.choose("kind", tuple(FILLERS))
            self.require("steps", whole(self.steps, 1, 100), "1 to 100")
            span = f"{SHORTEST} to {LONGEST}"
            self.require("length", whole(self.length, SHORTEST, LONGEST), span)

    levels: ClassVar = tuple({"steps": n} for n in range(1, 13))
    grows = "steps"
    skills_held_out = frozenset({"move"})
    pairs_held_out = frozenset({("reverse", "rotate"), ("swap", "reverse"), ("double", "delete")})

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """Random items and instructions that keep their number in bounds."""
        draft = self._draw(rng, cfg, [list(INSTRUCTIONS)] * cfg.steps)
        assert draft is not None  # for some instructions are always possible
        return draft

    def sample_for_split(self, rng: random.Random, cfg: Config, split: str) -> Draft | None:
        """A problem with `move` in it only where it may be: long ones hardly ever do without."""
        if not self.reaches(cfg, split):
            return None
        without = self.skills_held_out if split != "ood_skill" and cfg.steps > 1 else ()
        names = [name for name in INSTRUCTIONS if name not in without]
        return self._draw(rng, cfg, [names] * cfg.steps)

    def compose(self, rng: random.Random, cfg: Config, skills: tuple[str, ...]) -> Draft | None:
        """These instructions in this order, where they keep the number of items in bounds."""
        same = len(skills) == cfg.steps
        return self._draw(rng, cfg, [[skill] for skill in skills]) if same else None

    def _draw(self, rng: random.Random, cfg: Config, choices: list[list[str]]) -> Draft | None:
        """One of the choices for every step, or None where none of them is possible."""
        items = rng.choices(FILLERS[cfg.kind], k=cfg.length)
        start, results, steps = _written(items, cfg.kind), [], []
        for names in choices:
            closed = GROWING if len(items) == LONGEST else ()
            closed = SHRINKING if len(items) == SHORTEST else closed
            open_ = [name for name in names if name not in closed]
            if not open_:
                return None
            name = rng.choice(open_)
            arguments = _arguments(rng, INSTRUCTIONS[name].arguments, len(items), cfg.kind)
            items = INSTRUCTIONS[name].apply(items, *arguments)
            steps.append([name, *arguments])
            results.append(_written(items, cfg.kind))
        return Draft(
            prompt=self._prompt(start, steps, cfg.kind),
            answer=("/" if self.tiny else "\n").join(results),
            skills=tuple(step[0] for step in steps),
            depth=cfg.steps,
            data={"start": start, "steps": steps, "results": results},
        )

    def _prompt(self, start: str, steps: list[list], kind: str) -> str:
        if self.tiny:
            brief = (INSTRUCTIONS[name].brief.format(*rest) for name, *rest in steps)
            return f"{start}:{','.join(brief)}?"
        lines = _lines(steps)
        example = "ab\nba" if kind == "string" else "1,2\n2,1"
        return _QUESTION.format(kind=kind, start=start, steps="\n".join(lines), example=example)

    def skills(self) -> tuple[str, ...]:
        """The instructions."""
        return tuple(INSTRUCTIONS)

    def behaviours(self) -> dict[str, Callable[[Case], Items]]:
        """What the instructions do at given places."""
        return {name: partial(_at, one) for name, one in INSTRUCTIONS.items()}

    def cases(self, rng: random.Random) -> Iterator[Case]:
        """Items as they are drawn, two places and a filler."""
        fillers = FILLERS[self.base.kind]
        while True:
            items = rng.choices(fillers, k=rng.randint(SHORTEST, LONGEST))
            first, later = sorted(rng.sample(range(1, len(items) + 1), 2))
            yield items, first, later, rng.choice(fillers)

    def identity(self, draft: Draft) -> JSON:
        """What is started with and the instructions."""
        return [draft.data["start"], draft.data["steps"]]

    def verify(self, task: Task, answer: str) -> float:
        """Share of results (of the longer list) that are right before the first mistake."""
        if len(answer) > LONG_ANSWER:
            return 0.0
        plain = _BLANKS.sub("", answer.replace("\n", "/"))
        return prefix_share(plain.split("/"), task.data["results"])

    def solution(self, task: Task) -> str:
        """Every instruction with its result, then the results; in `tiny`, those alone."""
        if self.tiny:
            return self.answer_only(task)
        lines = zip(_lines(task.data["steps"]), task.data["results"], strict=True)
        return self.worked([f"{line} {result}" for line, result in lines], task)

    def steps(self, task: Task, completion: str) -> Sequence[StepScore]:
        """Every instruction's result, at the end of its line; in `tiny`, those of the answer."""
        results = task.data["results"]
        if self.tiny:
            mark = completion.rfind("#")
            return _RESULTS.read(completion, results, start=mark + 1) if mark >= 0 else ()
        return self.read_steps(completion, results, _NUMBERED, behind(" "))

    def calls(self, task: Task, completion: str, steps: Sequence[StepScore]) -> list[Call]:
        """Every instruction on the result before it; in `tiny` the place says which it is."""
        lines, items = _lines(task.data["steps"]), task.data["start"]
        found = []
        for place, step in enumerate(steps):
            line, result = parted(completion, step)
            if self.tiny:
                line = lines[place] if place < len(lines) else "further"
            found.append(Call(line.rstrip(), (items,), result))
            items = result
        return found

    def step_count(self, task: Task) -> int:
        """Instructions."""
        return len(task.data["results"])


_NUMBERED = re.compile(r"\d{1,3}\. ")
_RESULTS = StepForm("/", "", re.compile("[^/]"), str, last_open=True)
_BLANKS = re.compile(r"[\s\[\]]+")


def _at(instruction: Instruction, case: Case) -> Items:
    items, first, later, filler = case
    match instruction.arguments:
        case "aa":
            return instruction.apply(items, first, later)
        case "c":
            return instruction.apply(items, later)
        case wanted:
            return instruction.apply(items, *(first, filler)[: len(wanted)])


def _arguments(rng: random.Random, wanted: str, size: int, kind: str) -> list[int | str]:
    """What an instruction needs, such that none leaves all as it was but by equal items."""
    places = {"a": range(1, size + 1), "b": range(1, size), "c": range(2, size + 1)}
    if wanted == "aa":
        return [*sorted(rng.sample(places["a"], 2))]
    return [rng.choice(FILLERS[kind] if what == "i" else places[what]) for what in wanted]


def _lines(steps: list[list]) -> list[str]:
    return [
        f"{number}. {INSTRUCTIONS[name].text.format(*arguments)}"
        for number, (name, *arguments) in enumerate(steps, start=1)
    ]


def _written(items: Items, kind: str) -> str:
    return ("" if kind == "string" else ",").join(items)
