"""Skills as such: which are the same, what is composed of what, and which were never together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from .types import Task

THEN = ">"
"""Between the skills of a composition's name, in evaluation order: `f>g` is g of what f returns."""
NOTHING = "(nothing)"
"""Name for doing nothing, in a table of behaviours: a skill that agrees with it is no skill."""


class Twin(NamedTuple):
    """Two skills, and the share of inputs on which they do the same."""

    one: str
    other: str
    agreement: float


def twins(
    behaviours: Mapping[str, Callable[[Any], Any]], cases: Iterable[Any], at_least: float = 1.0
) -> list[Twin]:
    """Pairs of skills that agree on at least this share of the cases, closest pairs first.

    A held-out skill with a twin in training is not held out. Agreement on all sampled cases is no
    proof, so sample what compositions reach as well as what they start from.
    """
    sampled = list(cases)
    table = {name: [act(case) for case in sampled] for name, act in behaviours.items()}
    found = []
    for (one, does), (other, too) in combinations(table.items(), 2):
        same = sum(a == b for a, b in zip(does, too, strict=True)) / max(1, len(sampled))
        if same >= at_least:
            found.append(Twin(one, other, same))
    return sorted(found, key=lambda twin: -twin.agreement)


def prerequisites_of(tasks: Iterable[Task]) -> dict[str, tuple[str, ...]]:
    """The direct prerequisites of every composition in these tasks, of theirs, and so on.

    A composition is named by its skills in evaluation order (`f>g`), and composed of what is one
    skill shorter at either end: `f>g` of f and g, `f>g>h` of `f>g` and `g>h`. Single skills have
    none. For chains; where skills are composed otherwise, an environment says so itself.
    """
    return composition_graph(task.skills for task in tasks if task.skills)


def composition_graph(chains: Iterable[tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The same for compositions that are known by their skills, in evaluation order."""
    graph: dict[str, tuple[str, ...]] = {}
    waiting = list(chains)
    while waiting:
        chain = waiting.pop()
        if THEN.join(chain) in graph:
            continue
        below = list(dict.fromkeys((chain[:-1], chain[1:]))) if len(chain) > 1 else []
        graph[THEN.join(chain)] = tuple(THEN.join(part) for part in below)
        waiting += below
    return dict(sorted(graph.items(), key=lambda item: (item[0].count(THEN), item[0])))


def never_trained(skills: int, k: int, draws: int, size: int | None = None) -> float:
    """The chance that a random combination of `k` skills was in none of `draws` training tasks.

    Each of those has `size` different skills (by default `k`), drawn at random from all `skills`,
    and so contains a given combination with probability C(size, k) / C(skills, k). With such a
    count Yu et al. 2023, "Skill-Mix" (arXiv 2310.17567), argue that a model goes beyond its data.
    """
    size = k if size is None else size
    if not (0 < k <= skills and k <= size <= skills and draws >= 0):
        raise ValueError(f"impossible: {k=} of {skills=}, {draws=} of {size=}")
    once = math.comb(size, k) / math.comb(skills, k)
    return 0.0 if once == 1 and draws else math.exp(draws * math.log1p(-once)) if once < 1 else 1.0


def share_never_trained(
    trained: Iterable[Sequence[str]], asked: Iterable[Sequence[str]], k: int
) -> float:
    """The share of the k-combinations in `asked` (skills of one task each) that no trained task
    contained: the same as `never_trained`, counted."""
    seen = {combo for skills in trained for combo in combinations(sorted(set(skills)), k)}
    combos = [combo for skills in asked for combo in combinations(sorted(set(skills)), k)]
    return sum(combo not in seen for combo in combos) / max(1, len(combos))
