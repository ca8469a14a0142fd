"""Finished runs as values: arm, seed, supervision, answers on the eval sets, curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path
from typing import Any

from ..runs import tags
from ..runs.folder import BASE
from ..runs.supervision import Supervision
from ..runs.tags import Address
from .kept import Kinds, Shown


@dataclass(frozen=True)
class EvalSet:
    """The final answers of one run to one fixed set of problems; sequences of one length."""

    group: str
    level: int
    split: str
    keys: tuple[str, ...]
    greedy: tuple[bool, ...]
    samples: tuple[int, ...]
    correct: tuple[int, ...]
    graded: tuple[bool, ...]
    """Whether the greedy answer could be graded at all."""
    skills: tuple[tuple[str, ...], ...] | None = None
    """Of each problem, in evaluation order. This and what follows is None where a record lacks it
    for all problems."""
    kinds: tuple[Kinds | None, ...] | None = None
    """Of which kinds the answers are; only where steps can be read and there are two or more."""
    shown: tuple[Shown | None, ...] | None = None
    """Texts, which records keep of the first problems only."""

    def only(self, keep: Sequence[bool]) -> EvalSet:
        """The problems marked in `keep`."""
        return replace(
            self,
            keys=tuple(compress(self.keys, keep)),
            greedy=tuple(compress(self.greedy, keep)),
            samples=tuple(compress(self.samples, keep)),
            correct=tuple(compress(self.correct, keep)),
            graded=tuple(compress(self.graded, keep)),
            skills=self.skills and tuple(compress(self.skills, keep)),
            kinds=self.kinds and tuple(compress(self.kinds, keep)),
            shown=self.shown and tuple(compress(self.shown, keep)),
        )

    @property
    def address(self) -> Address:
        """Where this eval set stands in a table."""
        return self.group, self.level


@dataclass(frozen=True)
class Record:
    """One line of `metrics.jsonl`: budgets spent so far and what was measured there."""

    step: int
    budgets: Mapping[str, float]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """One arm trained with one seed. `problems` counts distinct ones, None where not recorded.

    `supervision_note` says what is particular to a study, such as the problems of a cold start.
    """

    folder: Path
    arm: str
    seed: int
    group: str = ""
    supervision: Supervision | None = None
    supervision_note: str = ""
    status: str = ""
    problems: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    eval_sets: Mapping[Address, EvalSet] = field(default_factory=dict)
    records: tuple[Record, ...] = ()

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed} ({self.folder})"

    def spent(self, budget: str) -> float | None:
        """The total of one budget at the last record that has it."""
        return next(
            (r.budgets[budget] for r in reversed(self.records) if budget in r.budgets), None
        )


def addresses(runs: Sequence[Run]) -> list[Address]:
    """Every (group, level) evaluated or logged by any run: groups as they come, levels rising."""
    seen = [address for run in runs for address in run.eval_sets]
    logged = (tag for run in runs for record in run.records for tag in record.metrics)
    seen += [address for tag in logged if (address := tags.parse_eval_greedy(tag)) is not None]
    groups = list(dict.fromkeys(group for group, _ in seen))
    return sorted(set(seen), key=lambda address: (groups.index(address[0]), address[1]))


def arms(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs by arm, the base first, then by name; the runs of an arm by seed."""
    ordered = sorted(runs, key=lambda run: (run.arm != BASE, run.arm, run.seed))
    pooled: dict[str, list[Run]] = {}
    for run in ordered:
        pooled.setdefault(run.arm, []).append(run)
    return pooled
