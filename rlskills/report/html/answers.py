"""What runs answered to single problems: skills, and texts where a record keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...runs.tags import Address
from ..run import EvalSet, Run


@dataclass(frozen=True)
class Answer:
    """The greedy answer of one run to one problem; texts are empty where none was kept."""

    address: Address
    key: str
    greedy: bool
    graded: bool
    skills: tuple[str, ...]
    """Each once."""
    prompt: str
    completion: str
    first_wrong: tuple[int, int] | None


def answers(run: Run) -> list[Answer]:
    """Every problem of a run, in its order."""
    return [answer for each in run.eval_sets.values() for answer in _of(each)]


def by_arm(pools: Mapping[str, Sequence[Run]]) -> dict[str, list[list[Answer]]]:
    """`answers` of every run, by arm."""
    return {arm: [answers(run) for run in pool] for arm, pool in pools.items()}


def _of(asked: EvalSet) -> list[Answer]:
    found = []
    for i, key in enumerate(asked.keys):
        skills = tuple(dict.fromkeys(asked.skills[i])) if asked.skills else ()
        shown = asked.shown[i] if asked.shown else None
        texts = (shown.prompt, shown.completion, shown.first_wrong) if shown else ("", "", None)
        found.append(Answer(asked.address, key, asked.greedy[i], asked.graded[i], skills, *texts))
    return found
