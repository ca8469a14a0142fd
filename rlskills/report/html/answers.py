"""What the records of runs say of single problems: skills, and texts where a record keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...environments.types import FAILURES
from ...runs.files import read_evaluation
from ...runs.tags import Address
from ..run import Run


@dataclass(frozen=True)
class Answer:
    """The greedy answer of one run to one problem; texts are empty where none was kept."""

    address: Address
    key: str
    greedy: bool
    graded: bool
    skills: tuple[str, ...]
    prompt: str
    completion: str
    first_wrong: tuple[int, int] | None


def answers(run: Run) -> list[Answer]:
    """Every problem in a run's record, in its order."""
    record = read_evaluation(run.folder / "evaluation.json")
    return [
        _answer((eval_set["group"], eval_set["level"]), task)
        for eval_set in record["eval_sets"]
        for task in eval_set["tasks"]
    ]


def by_arm(pools: Mapping[str, Sequence[Run]]) -> dict[str, list[list[Answer]]]:
    """`answers` of every run, by arm."""
    return {arm: [answers(run) for run in pool] for arm, pool in pools.items()}


def _answer(address: Address, task: Mapping[str, Any]) -> Answer:
    completion = _text(task.get("completion"))
    return Answer(
        address=address,
        key=task["key"],
        greedy=bool(task["greedy"]),
        graded=task.get("status") not in FAILURES,
        skills=tuple(_names(task.get("skills"))),
        prompt=_text(task.get("prompt")),
        completion=completion,
        first_wrong=_span(task.get("first_wrong"), len(completion)),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _names(value: Any) -> Iterator[str]:
    """Each skill once; records that were edited by hand may hold anything."""
    if isinstance(value, list):
        yield from dict.fromkeys(name for name in value if isinstance(name, str))


def _span(value: Any, length: int) -> tuple[int, int] | None:
    """A start and an end within a text of this length; None for anything else."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    start, end = value
    if not (type(start) is int and type(end) is int and 0 <= start < end <= length):
        return None
    return start, end
