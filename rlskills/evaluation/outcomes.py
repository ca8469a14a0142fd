"""Reading the outcomes that `evaluate` wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ..environments.types import FAILURES
from .explained import RIGHT

Address: TypeAlias = tuple[str, int]
"""(group, level) of an eval set."""


def graded(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tasks of an eval set's record whose greedy answer was graded: right or wrong."""
    return [task for task in record["tasks"] if task["status"] not in FAILURES]


def by_skill(records: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Right greedy answers and tasks by skill, over all records."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        for task in graded(record):
            for skill in dict.fromkeys(task["skills"]):
                counts[skill][0] += task["greedy"]
                counts[skill][1] += 1
    return {skill: (right, total) for skill, (right, total) in sorted(counts.items())}


def failures_in(records: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Why gradings failed, a text for each that did, and the number of all completions."""
    tasks = [task for record in records for task in record["tasks"]]
    failed = sum(task["grader_failures"] for task in tasks)
    texts = [task["failure"] for task in tasks for _ in range(task["grader_failures"])]
    graded_samples = sum(task["samples"] for task in tasks)
    greedy = sum(task["status"] not in FAILURES for task in tasks)
    return texts, graded_samples + greedy + failed


def failure_shares(
    records: Sequence[Mapping[str, Any]], always: Sequence[str]
) -> dict[tuple[str, Address], float]:
    """The share of greedy answers of each wrong kind, by kind and eval set.

    Of the answers that have a kind; eval sets without any are left out. Kinds in `always` are there
    with 0 as well. What stands for a kind in a damaged record and is no text is passed over.
    """
    shares: dict[tuple[str, Address], float] = {}
    for record in records:
        address = (record["group"], record["level"])
        known = [task.get("greedy_class") for task in record["tasks"]]
        kinds = [kind for kind in known if isinstance(kind, str)]
        for kind in dict.fromkeys((*always, *sorted(set(kinds) - RIGHT))) if kinds else ():
            shares[kind, address] = kinds.count(kind) / len(kinds)
    return shares
