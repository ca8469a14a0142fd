"""Nested calls of string functions whose names say nothing: the seed paper's task.

A model is taught f(x) and g(x), trained on f(g(x)), and tested on depths and functions that it
never composed. Level n nests n calls. With `preset=clean` (or `paper`) it is asked

    Here is some Python code:

    def main_solution(x):
        return func_13(func_3(x), '-')

    Which string does main_solution return for x = 'GaGG5a'? Think it through step by step in words;
    do not write any code. Then finish with a JSON object whose only key is "output" and whose value
    is that string:
    {"output": "..."}

and the worked solution is

    func_3('GaGG5a') = '5GGGaa'
    func_13('5GGGaa', '-') = '5-G-G-G-a-a'
    {"output": "5-G-G-G-a-a"}

With `preset=tiny` prompt and worked solution look like

    F46(F40(efag))?
    F40(efag)=efagf;F46(efagf)=aeffg;#aeffg

Try `rlskills env sample string_transform --level 2`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any, ClassVar

from rlskills.errors import UserError
from rlskills.tasks import Draft, Environment, Holdout, Task, register
from rlskills.tasks.types import JSON

from .config import Config
from .expression import Node, Step, calls, depth, render, steps, uses_input
from .notation import notation
from .presets import PRESETS, Preset
from .sampler import Sampler

ATTEMPTS = 1000
"""Draws after which no program is taken to fit the preset's `max_output_len`."""


@register("string_transform")
class StringTransform(Environment):
    """Predict what nested calls of opaque string functions return; level n nests n calls."""

    Config = Config
    levels = tuple({"depth": n} for n in range(1, 9))
    test_percent: ClassVar[int] = 20

    def __init__(
        self, *, seed: int = 0, reward: str | Mapping[str, float] = "binary", **config: Any
    ) -> None:
        super().__init__(seed=seed, reward=reward, **config)
        composes_held_out = self.base.functions in ("all", "held_out")
        if self.base.mode == "solve" and composes_held_out:
            sets = PRESETS[self.base.preset].sets(self.base.common)
            self.holdout = Holdout(skills=frozenset(sets["held_out"]))
        # Copying an expression composes nothing, so nothing is held out from it.
        self.notation = notation(self.base.preset, self.base.mode)

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """A program, its input, and what every call in it returns."""
        program, x, trace = _draw(rng, cfg)
        names = calls(program)
        return Draft(
            prompt=self.notation.prompt(program, x, cfg.show_definitions),
            answer=self.notation.answer(program, x, trace[-1].value),
            skills=names,
            depth=depth(program),
            data={
                "expression": render(program),
                "input": x,
                "uses_input": uses_input(program),
                "calls": len(names),
                "steps": [[self.notation.call(step), step.value] for step in trace],
            },
        )

    def identity(self, draft: Draft) -> JSON:
        """A composition is its program; a single call, of which there are few, also its input."""
        program, x = draft.data["expression"], draft.data["input"]
        if self.base.mode == "copy":
            return ["copy", program]
        alone = draft.depth > 1 or not draft.data["uses_input"]
        return program if alone else [program, x]

    def parse(self, text: str) -> str | None:
        """The answer in the preset's notation."""
        return self.notation.parse(text)

    def verify(self, task: Task, answer: str) -> bool:
        """Exact, case-sensitive equality of strings."""
        return self.notation.right(task.answer or "", answer)

    def solution(self, task: Task) -> str:
        """Every call with its value, in the form of a single call, then the answer."""
        return self.notation.solution(task.data["steps"], task.answer or "")

    def answer_only(self, task: Task) -> str:
        """The answer alone."""
        return self.notation.answer_only(task.answer or "")

    def signatures(self) -> Mapping[str, StringTransform]:
        """By the function applied last; copies have no such parts."""
        if self.base.mode == "copy":
            return {}
        preset = PRESETS[self.base.preset]
        names = preset.sets(self.base.common)[self.base.functions]
        options = asdict(self.base)
        return {
            name: type(self)(seed=self.seed, reward=self.weights, **options | {"last": name})
            for name in names
            if name not in preset.interlace
        }

    def evaluation_split(self, level: int) -> str:
        """The split to evaluate this set of functions on, at a level."""
        composed = self.base.functions == "held_out" and level > 1
        return "ood_skill" if composed and self.base.mode == "solve" else "test"


def _draw(rng: random.Random, cfg: Config) -> tuple[Node, str, list[Step]]:
    preset = PRESETS[cfg.preset]
    # Deep programs over all functions hardly ever do without a held-out one, so half of the draws
    # do on purpose. Each split takes programs with or without one, so the mix changes no split.
    easier = cfg.functions == "all" and cfg.depth > 1 and rng.random() < 0.5
    sampler = _sampler(cfg.preset, cfg.functions, cfg.common, cfg.binary_prob, easier)
    for _ in range(ATTEMPTS):
        program, x = sampler.program(rng, cfg.depth, cfg.last), sampler.input(rng)
        trace = _trace(program, x, preset)
        if trace is not None:
            return program, x, trace
    raise UserError(f"string_transform: no program fits max_output_len={preset.max_output_len}")


def _trace(program: Node, x: str, preset: Preset) -> list[Step] | None:
    """All steps, or None as soon as a value is too long."""
    trace = []
    for step in steps(program, x, preset.functions):
        if 0 < preset.max_output_len < len(step.value):
            return None
        trace.append(step)
    return trace


@cache
def _sampler(
    preset: str, functions: str, common: int, binary_prob: float, without_held_out: bool
) -> Sampler:
    chosen = PRESETS[preset]
    sets = chosen.sets(common)
    left_out = sets["held_out"] if without_held_out else ()
    active = [name for name in sets[functions] if name not in left_out]
    return Sampler(chosen, active, chosen.binary_prob if binary_prob == -1 else binary_prob)
