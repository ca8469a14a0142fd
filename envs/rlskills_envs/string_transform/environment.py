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

and with `preset=letters` letters stand apart: `F07(F01( e f a))?`.

Try `rlskills env sample string_transform --level 2`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from rlskills.environments import Draft, Environment, StepScore, Task, register, seed_from
from rlskills.environments.types import JSON, Message
from rlskills.errors import UserError

from .behaviour import Case, behaviours, cases, written_functions
from .config import Config
from .expression import Node, Step, calls, pairs, render, steps, uses_input
from .notation import notation
from .plan import can_own, held_out, place, plain_sampler, sampler_for
from .presets import CHAINS, PRESETS

ATTEMPTS = 1000
"""Draws after which no program is taken to fit the preset's `max_output_len`."""
OWNED = 20
"""Programs that are tried for their owner before one is worked out whatever owns it."""


@register("string_transform")
class StringTransform(Environment):
    """Predict what nested calls of opaque string functions return; level n nests n calls."""

    Config = Config
    levels = tuple({"depth": n} for n in range(1, 9))
    test_percent: ClassVar[int] = 20

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.holdout = held_out(self.base)
        self.notation = notation(self.base.preset, self.base.mode)

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        """A program, its input, and what every call in it returns."""
        # Deep programs over all functions hardly ever do without a held-out one, so half of the
        # draws do on purpose. Each split takes programs with or without, so it changes no split.
        easier = cfg.functions == "all" and cfg.depth > 1 and rng.random() < 0.5
        sampler = plain_sampler(cfg, easier)
        for _ in range(ATTEMPTS):
            program, x = sampler.program(rng, cfg.depth, _root(cfg)), sampler.input(rng)
            trace = _trace(cfg, program, x)
            if trace is not None:
                return self._draft(cfg, program, x, trace, self._sketch(cfg, program, x))
        limit = PRESETS[cfg.preset].max_output_len
        raise UserError(f"string_transform: no program fits max_output_len={limit}")

    def sample_for_split(self, rng: random.Random, cfg: Config, split: str) -> Draft | None:
        """A program that this split may own; it is worked out only where the split does."""
        if not can_own(cfg, self.holdout, split):
            return None
        constructed = cfg.balance or self.holdout.pairs or self.holdout.depth_above
        if cfg.functions == "all" and not constructed:  # of what `make` draws each owns enough
            return self.make(rng, cfg)
        sampler = sampler_for(cfg, self.holdout, split) if constructed else plain_sampler(cfg)
        placed = place(rng, cfg, self.holdout, split, sampler) if constructed else {}
        placed = {**placed, **_root(cfg)}
        for _ in range(OWNED):
            program, x = sampler.program(rng, cfg.depth, placed), sampler.input(rng)
            sketch = self._sketch(cfg, program, x)
            held = pairs(program) if self.holdout.pairs else ()
            if self.split_of(sketch.skills, cfg.depth, self.key(sketch), held) == split:
                trace = _trace(cfg, program, x)
                if trace is not None:
                    return self._draft(cfg, program, x, trace, sketch)
        return self.make(rng, cfg)

    def identity(self, draft: Draft) -> JSON:
        """A composition is its program; a single call, of which there are few, also its input."""
        data = draft.data
        if self.base.mode == "copy":
            return ["copy", data["expression"]]
        alone = draft.depth > 1 or not data["uses_input"]
        if alone and self.base.identity == "program":
            return data["expression"]
        return [data["expression"], data["input"]]

    def pairs(self, of: Draft | Task) -> Sequence[tuple[str, str]]:
        """Who takes whose value; a task says so where its program is not a chain."""
        listed = of.data.get("pairs")
        return tuple(pairwise(of.skills)) if listed is None else [(f, g) for f, g in listed]

    def skills(self) -> Sequence[str]:
        """The functions of the set that calls are drawn from."""
        return plain_sampler(self.base).active

    def compose(self, rng: random.Random, cfg: Config, skills: tuple[str, ...]) -> Draft | None:
        """The functions nested in this order, so that the last one returns the value."""
        if cfg.depth != len(skills):
            return None
        sampler = plain_sampler(cfg)
        placed = dict(enumerate(skills, start=1))
        for _ in range(OWNED):
            program, x = sampler.program(rng, cfg.depth, placed), sampler.input(rng)
            trace = _trace(cfg, program, x)
            if trace is not None and calls(program) == skills:
                return self._draft(cfg, program, x, trace, self._sketch(cfg, program, x))
        return None

    def behaviours(self) -> Mapping[str, Callable[[Case], str]]:
        """All functions of the preset, on two strings and a choice of the parameter."""
        return behaviours(self.base)

    def cases(self, rng: random.Random) -> Iterator[Case]:
        """Strings that programs of up to two calls return."""
        return cases(rng, self.base)

    def parse(self, text: str) -> str | None:
        """The answer in the preset's notation."""
        return self.notation.parse(text)

    def well_formed(self, text: str) -> bool:
        """Strictly the form that the preset's notation asks for."""
        return self.notation.well_formed(text)

    def verify(self, task: Task, answer: str) -> bool:
        """Exact, case-sensitive equality of strings."""
        return self.notation.right(task.answer or "", answer)

    def solution(self, task: Task) -> str:
        """Every call with its value, in the form of a single call, then the answer."""
        return self.notation.solution(task.data["steps"], task.answer or "")

    def steps(self, task: Task, completion: str) -> Sequence[StepScore]:
        """Every call with its value, as in the worked solution."""
        return self.notation.steps(completion, task.data["steps"])

    def functions(self) -> Mapping[str, Callable[..., str]]:
        """All functions of the preset, `+` and the methods of strings."""
        return written_functions(self.base.preset)

    def step_count(self, task: Task) -> int:
        """Calls that the worked solution shows."""
        return 0 if self.base.mode == "copy" else len(task.data["steps"])

    def with_definitions(self, task: Task) -> Sequence[Message] | None:
        """The source of the functions used, above the question; the short presets have no room."""
        if self.base.preset in CHAINS:
            return None
        shown = self.with_options(show_definitions=True).task(task.split, task.level, task.index)
        return shown.messages if shown.data == task.data else None

    def answer_only(self, task: Task) -> str:
        """The answer alone."""
        return self.notation.answer_only(task.answer or "")

    def by_skill(self) -> Mapping[str, StringTransform]:
        """By the function applied last; copies have no such parts."""
        if self.base.mode == "copy":
            return {}
        # A seed for each part: otherwise all would nest the same programs.
        return {
            name: self.with_options(seed=seed_from(self.seed, name), last=name)
            for name in self.skills()
            if name not in PRESETS[self.base.preset].interlace
        }

    def evaluation_split(self, level: int) -> str:
        """The split to evaluate this set of functions on, at a level."""
        composed = self.base.functions == "held_out" and level > 1
        return "ood_skill" if composed and self.base.mode == "solve" else "test"

    def _sketch(self, cfg: Config, program: Node, x: str) -> Draft:
        """As much of a draft as decides who owns it."""
        about = {"expression": render(program), "input": x, "uses_input": uses_input(program)}
        return Draft("", None, calls(program), about, cfg.depth)

    def _draft(self, cfg: Config, program: Node, x: str, trace: list[Step], sketch: Draft) -> Draft:
        names = sketch.skills
        data = {
            **sketch.data,
            "calls": len(names),
            "steps": [[self.notation.call(step), step.value] for step in trace],
        }
        if self.holdout.pairs and (composed := pairs(program)) != tuple(pairwise(names)):
            data["pairs"] = [list(pair) for pair in composed]
        prompt = self.notation.prompt(program, x, cfg.show_definitions)
        answer = self.notation.answer(program, x, trace[-1].value)
        return Draft(prompt, answer, names, data, cfg.depth)


def _root(cfg: Config) -> dict[int, str]:
    return {cfg.depth: cfg.last} if cfg.last else {}


def _trace(cfg: Config, program: Node, x: str) -> list[Step] | None:
    """All steps, or None if a value is too long."""
    preset = PRESETS[cfg.preset]
    return steps(program, x, preset.functions, preset.max_output_len)
