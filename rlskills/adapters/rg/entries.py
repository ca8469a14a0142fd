"""Problems of reasoning-gym as plain JSON, by number, and grades of answers to them.

`seed + index` is how reasoning-gym addresses problems, so neighbouring seeds share nearly all of
them. Here the seed is always 0 and the number is random, from a stream of our own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any

from reasoning_gym.factory import DATASETS

from .catalogue import COMPILED, GIVES_UP, SIZES
from .graders import GRADERS
from .solvers import SOLVERS

Settings = tuple[tuple[str, Any], ...]
"""Options that differ from reasoning-gym's defaults, by name in order; hashable."""
LONGEST = 20_000
"""Characters of an answer beyond which it is wrong unread."""


def settings_of(options: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> Settings:
    """In order, and with tuples instead of lists."""
    return tuple((name, _hashable(value)) for name, value in sorted(dict(options).items()))


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


def config_of(dataset: str, settings: Settings) -> Any:
    """reasoning-gym's own configuration; raises `ValueError` where it does not validate."""
    kind = DATASETS[dataset][1]
    defaults = kind()
    given = {
        name: list(value) if isinstance(getattr(defaults, name), list) else value
        for name, value in settings
    }
    known = {item.name for item in fields(kind)}
    size = {"size": SIZES[dataset]} if dataset in SIZES else {}
    config = kind(**{"seed": 0, **size, **{k: v for k, v in given.items() if k in known}})
    try:
        if hasattr(config, "validate"):
            config.validate()
    except (AssertionError, TypeError) as error:
        raise ValueError(str(error) or "the options do not fit each other") from error
    return config


@lru_cache(maxsize=64)
def built(dataset: str, settings: Settings) -> Any:
    """The dataset itself; some precompute their items, which can take seconds."""
    return DATASETS[dataset][0](config_of(dataset, settings))


def entry(dataset: str, settings: Settings, number: int) -> dict[str, Any]:
    """Problem `number` (any whole number from 0): question, answer and metadata, as JSON gives
    them back. The answer is None where the dataset gave up on this number."""
    source = built(dataset, settings)
    try:
        found = source[number]
    except IndexError:
        found = source[number % len(source)]
    except (ValueError, RuntimeError):
        if dataset not in GIVES_UP:
            raise
        return {"question": "", "answer": None, "metadata": {}}
    found = json.loads(json.dumps(found, default=str))
    if dataset in SOLVERS:
        found["answer"] = SOLVERS[dataset](found["metadata"])
    return found


def reward(
    dataset: str, settings: Settings, metadata: Mapping[str, Any], oracle: str, answer: str
) -> float:
    """reasoning-gym's reward in [0, 1] for an answer; 1.0 is right."""
    if len(answer) > LONGEST:
        return 0.0
    if dataset in COMPILED and not COMPILED[dataset].fullmatch(answer):
        return 0.0
    if dataset in GRADERS:
        return GRADERS[dataset](metadata, oracle, answer)
    value = built(dataset, settings).score_answer(
        answer, {"question": "", "answer": oracle, "metadata": dict(metadata)}
    )
    return 0.0 if math.isnan(value) else float(value)
