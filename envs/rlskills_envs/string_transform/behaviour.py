"""What the functions of a preset do to strings that programs reach, to find those that agree."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

from rlskills.environments.skills import NOTHING

from .config import Config
from .expression import METHODS, steps
from .functions import RECORDS, Parameter, Word
from .plan import plain_sampler
from .presets import PRESETS


class Case(NamedTuple):
    """Two operands, a number that picks a parameter, and a word that may be one."""

    one: str
    two: str
    number: int
    word: str


def behaviours(cfg: Config) -> dict[str, Callable[[Case], str]]:
    """Every function of the preset, and doing nothing, on a case."""
    names = PRESETS[cfg.preset].sets(cfg.common)["all"]
    return {NOTHING: lambda case: case.one} | {name: _behaviour(cfg, name) for name in names}


def _behaviour(cfg: Config, name: str) -> Callable[[Case], str]:
    preset = PRESETS[cfg.preset]
    call, values = preset.functions[name], preset.parameters.get(name)
    if name in RECORDS and RECORDS[name].operands == 2:
        return lambda case: call(case.one, case.two)
    if values is None:
        return lambda case: call(case.one)
    if isinstance(values, Word):
        return lambda case: call(case.one, case.word)
    return lambda case: call(case.one, values[case.number % len(values)])


def cases(rng: random.Random, cfg: Config) -> Iterator[Case]:
    """Values of programs with no call to two, over all functions of the preset."""
    sampler = plain_sampler(replace(cfg, functions="all", balance=False))
    preset = PRESETS[cfg.preset]

    def reached() -> str:
        while True:
            program, x = sampler.program(rng, rng.randrange(3)), sampler.input(rng)
            trace = steps(program, x, preset.functions, preset.max_output_len or 200)
            if trace is not None:
                return trace[-1].value if trace else x

    while True:
        yield Case(reached(), reached(), rng.randrange(60), sampler.input(rng))


@cache
def written_functions(preset: str) -> dict[str, Callable[..., str]]:
    """Every function of a preset on arguments as a completion writes them, all of them texts.

    So are `+` and the methods of strings, such as `.upper`. A parameter that no problem has is a
    `ValueError`: who repeats a string a billion times is not followed.
    """
    known = PRESETS[preset]
    plain: dict[str, Callable[..., str]] = {f".{name}": act for name, act in METHODS.items()}
    plain["+"] = lambda one, other: one + other
    for name, act in known.functions.items():
        values = known.parameters.get(name)
        plain[name] = act if values is None else partial(_with_parameter, act, values)
    return plain


def _with_parameter(act: Callable[..., str], values: Parameter, text: str, written: str) -> str:
    if isinstance(values, Word):
        if len(written) > values.longest:
            raise ValueError("too long a word for a parameter")
        return act(text, written)
    found = next((value for value in values if str(value) == written), None)
    if found is None:
        raise ValueError("not a parameter of this function")
    return act(text, found)
