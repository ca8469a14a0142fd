"""Checks of what stays and what it costs: golden digests, prompt length, speed, twins."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from ...errors import UserError
from ..registry import load
from ..seeding import digest
from ..skills import NOTHING
from ..skills import twins as find_twins
from ..types import Task
from .subject import Problem, Problems, Subject, draw

GENERATED, VERIFIED = 5_000, 10_000
"""Tasks drawn and answers graded in a second, below which there is a warning."""
PROMPT = 400
"""Characters of a prompt of level 1 above which there is a warning."""
CASES = 400
"""Inputs on which the behaviours of skills are compared."""
NEAR = 0.9
"""Share of inputs on which two skills may agree without being mentioned."""
GOLDEN = 3
"""Tasks of every split and level that enter a golden digest."""


def golden(subject: Subject) -> Problems:
    """The same address gives the same task as when this version was first checked."""
    if subject.golden is None:
        return "no folder of golden digests was given"
    env = load(subject.spec, seed=0)
    _, _, query = str(subject.spec).partition("?")
    named = env.name + (f"-{digest(query, size=4)}" if query else "")
    file = subject.golden / f"{named.replace('/', '_').replace(':', '_')}.json"
    now: dict[str, str] = {}
    tasks: dict[str, Task] = {}
    for (split, level), some in subject.drawn.items():
        if some:
            drawn = draw(env, split, level, GOLDEN)
            now[f"{split} {level}"] = digest([task.to_json() for task in drawn], size=8)
            tasks[f"{split} {level}"] = drawn[0]
    before = _before(file)
    if before is None or before["version"] != env.version:
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"version": env.version, "digests": now}, indent=1)
        file.write_text(text + "\n", encoding="utf-8")
        return f"version {env.version} had no digests yet; written to {file}"
    old = before["digests"]
    if changed := [place for place in {**old, **now} if old.get(place) != now.get(place)]:
        yield Problem(
            f"version {env.version} drew other tasks when {file} was written, at {changed[0]} and "
            f"{len(changed) - 1} more splits and levels: raise `version`, check again, and commit "
            "the file",
            tasks.get(changed[0]),
        )
    return f"version {env.version} draws what {file} says: {len(now)} digests"


def _before(file: Path) -> dict[str, Any] | None:
    """The golden file as it was written, None where there is none; damaged it is a `UserError`."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found["version"], int | str) and isinstance(found["digests"], dict):
            return found
        why = "it has no version and digests"
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
    raise UserError(f"{file} is damaged: {why}; put the committed one back, or remove it")


def prompts(subject: Subject) -> Problems:
    """Prompts of the first level are short."""
    first = [task for task in subject.sample if task.level == 1]
    longest = max(first, key=lambda task: len(task.text), default=subject.sample[0])
    length = len(longest.text)
    if length > PROMPT:
        yield Problem(f"a prompt at level 1 has {length} characters", longest, "warning")
    return f"at level {longest.level} prompts have at most {length} characters"


def speed(subject: Subject) -> Problems:
    """Drawing and grading are fast; what a busy machine slows down is a warning only."""
    env, task = subject.env, subject.sample[0]
    place = task.split, task.level
    right = env.solution(task)
    drawn = _rate(lambda index: env.task(*place, index))
    graded = _rate(lambda index: env.score(task, right)) if env.trusted_grader else None
    floors = ((drawn, GENERATED, "tasks drawn"), (graded, VERIFIED, "answers graded"))
    for rate, floor, what in floors:
        if rate is not None and rate < floor:
            message = f"only {rate:.0f} {what} in a second of processor time, below {floor}"
            yield Problem(message, task, "warning")
    shown = "in workers" if graded is None else f"{graded:.0f}"
    return f"a second of processor time: {drawn:.0f} tasks drawn, {shown} answers graded"


def _rate(act: Callable[[int], object], seconds: float = 0.1) -> float:
    """The best of three rounds, in calls a second."""
    best, index = 0.0, 0
    for _ in range(3):
        start, count = time.process_time(), 0
        while (spent := time.process_time() - start) < seconds:
            for _ in range(20):
                act(index)
                index += 1
            count += 20
        best = max(best, count / spent)
    return best


def twins(subject: Subject) -> Problems:
    """No two skills do the same on all sampled inputs, and none does nothing."""
    table = subject.env.behaviours()
    if not table:
        return "the environment does not say what its skills do"
    cases = list(islice(subject.env.cases(random.Random(0)), CASES))
    near = []
    for first, other, share in find_twins(table, cases, NEAR):
        if share < 1:
            near.append(f"{first} and {other} on {share:.0%}")
        elif NOTHING in (first, other):
            skill = other if first == NOTHING else first
            yield Problem(f"{skill} does nothing on {len(cases)} inputs", level="warning")
        else:
            text = f"{first} and {other} do the same on {len(cases)} inputs"
            yield Problem(text, level="warning")
    agree = f"; nearly the same: {', '.join(near)}" if near else ""
    return f"{len(table)} behaviours on {len(cases)} inputs: no two the same{agree}"
