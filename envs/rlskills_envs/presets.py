"""What most environments here share: two ways of writing a problem, and depths held out.

`preset=chat` asks in words and reads an `<answer>` block. `preset=tiny` spends as few characters as
it can, for a model that learns its only language here, and reads what stands behind the last `#`.
Both ask the same problems at the same addresses.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rlskills.environments import Draft, Environment, Holdout, StepScore, Task, off_stream
from rlskills.environments.parsing import TAIL, answer_block, strictly_formed
from rlskills.environments.steps import StepForm
from rlskills.errors import UnknownName

PRESETS = ("chat", "tiny")


class PresetEnvironment(Environment):
    """An environment in two presets, whose depth is its level and ends training at some depth."""

    @dataclass(frozen=True)
    class Config(Environment.Config):
        """What a level sets; subclasses add their own fields."""

        # Off the stream: an address gives the same problem in both presets.
        preset: str = off_stream("chat")
        """`chat` for models that read, `tiny` for the tiny preset."""
        train_depth: int = 0
        """Deeper problems belong to `ood_depth`; 0 holds none out."""

        def __post_init__(self) -> None:
            """Refuse what no problem can be drawn from; subclasses add their own rules."""
            self.choose("preset", PRESETS)
            self.require("train_depth", whole(self.train_depth, 0), "a whole number from 0")

        def require(self, option: str, holds: bool, rule: str) -> None:
            """A `ValueError` in one line unless a rule holds."""
            if not holds:
                raise ValueError(f"{option} must be {rule}, not {getattr(self, option)!r}")

        def choose(self, option: str, known: tuple[str, ...]) -> None:
            """An `UnknownName` unless the option is one of these names."""
            if getattr(self, option) not in known:
                raise UnknownName(option, getattr(self, option), known)

    grows: ClassVar[str] = ""
    """The option that a level sets: how deep its problems are."""
    skills_held_out: ClassVar[frozenset[str]] = frozenset()
    pairs_held_out: ClassVar[frozenset[tuple[str, str]]] = frozenset()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.tiny = self.base.preset == "tiny"
        depth = self.base.train_depth if self.base.train_depth < len(self.configs) else 0
        self.holdout = Holdout(self.skills_held_out, self.pairs_held_out, depth or None)

    def sample_for_split(self, rng: random.Random, cfg: Any, split: str) -> Draft | None:
        """Any problem, unless this split has none as deep as the level."""
        return self.make(rng, cfg) if self.reaches(cfg, split) else None

    def reaches(self, cfg: Any, split: str) -> bool:
        """Whether a split may hold problems of this depth."""
        depth, limit = getattr(cfg, self.grows), self.holdout.depth_above
        if split in ("ood_skill", "ood_pair"):
            return depth > 1
        return (limit is not None and depth > limit) == (split == "ood_depth")

    def parse(self, text: str) -> str | None:
        """The last `<answer>` block or, in `tiny`, what stands behind the last `#`."""
        if not self.tiny:
            return answer_block(text)
        _, mark, found = text[-TAIL:].rpartition("#")
        return found.strip() if mark and found.strip() else None

    def well_formed(self, text: str) -> bool:
        """One answer, at the end, and thoughts closed."""
        if self.tiny:
            return text.count("#") == 1
        return strictly_formed(text)

    def answer_only(self, task: Task) -> str:
        """The answer in the form that `parse` reads."""
        return f"#{task.answer}" if self.tiny else f"<answer>{task.answer}</answer>"

    def worked(self, steps: list[str], task: Task) -> str:
        """Steps, then the answer."""
        ending = self.answer_only(task)
        return (
            "".join(f"{step};" for step in steps) + ending
            if self.tiny
            else "\n".join([*steps, ending])
        )

    def read_steps(
        self, text: str, values: Sequence[str], shape: re.Pattern[str], value: Callable[[str], str]
    ) -> tuple[StepScore, ...]:
        """The steps that `worked` writes, in a text of any kind; see `StepForm`."""
        end, stop = (";", "#") if self.tiny else ("\n", "<answer>")
        return StepForm(end, stop, shape, value).read(text, values)

    def evaluation_split(self, level: int) -> str:
        """`test`, or `ood_depth` where training never goes."""
        limit = self.holdout.depth_above
        return "test" if limit is None or level <= limit else "ood_depth"


def whole(value: object, low: int, high: int | None = None) -> bool:
    """Whether an option is a whole number in a range."""
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return low <= value and (high is None or value <= high)


def prefix_share(found: Sequence[str], expected: Sequence[str]) -> float:
    """How much of the longer of two lists they share before they first differ, in [0, 1]."""
    pairs = enumerate(zip(found, expected, strict=False))
    shorter = min(len(found), len(expected))
    right = next((i for i, (name, other) in pairs if name != other), shorter)
    return right / max(len(found), len(expected))
