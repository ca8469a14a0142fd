"""Finished runs read back from their folders, for tables and plots.

Of a run folder three files are read: `run.json` (which arm, seed and information), the final
`evaluation.json` (every problem by key) and `metrics.jsonl` (curves against budgets).
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any, TypeAlias

from ..environments.types import FAILURES
from ..errors import UserError

BASE = "base"
"""The arm that every other arm starts from."""

BUDGETS = ("samples", "rollouts", "generated_tokens", "trained_tokens", "seconds")
"""What a run spends, each counted from the start of its arm."""

Address: TypeAlias = tuple[str, int]
"""(group, level) of an eval set."""

_TAG = re.compile(r"eval/(?P<group>.+)/L(?P<level>\d+)/greedy")


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

    def only(self, keep: Sequence[bool]) -> EvalSet:
        """The problems marked in `keep`."""
        return replace(
            self,
            keys=tuple(compress(self.keys, keep)),
            greedy=tuple(compress(self.greedy, keep)),
            samples=tuple(compress(self.samples, keep)),
            correct=tuple(compress(self.correct, keep)),
            graded=tuple(compress(self.graded, keep)),
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
    """One arm trained with one seed. `problems` counts distinct ones, None where not recorded."""

    folder: Path
    arm: str
    seed: int
    group: str
    information: str
    status: str
    problems: int | None
    config: Mapping[str, Any]
    eval_sets: Mapping[Address, EvalSet]
    records: tuple[Record, ...]

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed} ({self.folder})"

    def spent(self, budget: str) -> float | None:
        """The total of one budget at the last record that has it."""
        return next(
            (r.budgets[budget] for r in reversed(self.records) if budget in r.budgets), None
        )


def eval_tag(address: Address) -> str:
    """The tag under which the greedy accuracy of an eval set is logged."""
    return f"eval/{address[0]}/L{address[1]}/greedy"


def parse_tag(tag: str) -> Address | None:
    """The (group, level) of a greedy evaluation tag, None for any other tag."""
    match = _TAG.fullmatch(tag)
    return (match["group"], int(match["level"])) if match else None


def addresses(runs: Sequence[Run]) -> list[Address]:
    """Every (group, level) probed or logged by any run: groups as they come, levels ascending."""
    found = [address for run in runs for address in run.eval_sets]
    tags = (parse_tag(tag) for run in runs for record in run.records for tag in record.metrics)
    found += [address for address in tags if address is not None]
    groups = list(dict.fromkeys(group for group, _ in found))
    return sorted(set(found), key=lambda address: (groups.index(address[0]), address[1]))


def arms(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs by arm, the base first, then by name; the runs of an arm by seed."""
    ordered = sorted(runs, key=lambda run: (run.arm != BASE, run.arm, run.seed))
    pooled: dict[str, list[Run]] = {}
    for run in ordered:
        pooled.setdefault(run.arm, []).append(run)
    return pooled


def load_runs(paths: Iterable[str | Path], notes: list[str] | None = None) -> list[Run]:
    """Every evaluated run in the given folders, each a run folder or a parent of run folders.

    A run without `evaluation.json` is left out and a line on it appended to `notes`. Raises
    `UserError` for a folder that is missing or holds no runs, a file that cannot be understood,
    two runs of one arm with one seed, and runs that were not evaluated on the same problems.
    """
    folders: dict[Path, Path] = {}
    for path in paths:
        for folder in run_folders(Path(path)):
            folders.setdefault(folder.resolve(), folder)
    runs = []
    for folder in folders.values():
        if (folder / "evaluation.json").is_file():
            runs.append(read_run(folder))
        elif notes is not None:
            notes.append(f"{folder} has no evaluation.json yet and is left out")
    if not runs:
        left_out = f" ({len(folders)} without evaluation.json)" if folders else ""
        raise UserError(f"no evaluated run to compare{left_out}")
    runs = [run for pool in arms(runs).values() for run in pool]
    _check(runs)
    return _graded_everywhere(runs, notes)


def run_folders(path: Path) -> list[Path]:
    """`path` itself if it is a run folder, else the run folders anywhere below it, sorted."""
    if not path.is_dir():
        raise UserError(f"no such folder: {path}")
    found = []
    for place, children, files in os.walk(path):
        if "run.json" in files:
            found.append(Path(place))
            children.clear()  # what lies inside a run, such as its checkpoints, belongs to it
    if not found:
        raise UserError(f"no run in {path}: no run.json in it or below it")
    return sorted(found)


def read_run(folder: Path) -> Run:
    """The run in `folder`, which holds `run.json` and `evaluation.json`."""
    manifest, evaluation = _json(folder / "run.json"), _json(folder / "evaluation.json")
    try:
        eval_sets: dict[Address, EvalSet] = {}
        for eval_set in map(_eval_set, evaluation["eval_sets"]):
            if eval_set.address in eval_sets:
                raise ValueError(f"{eval_set.group} level {eval_set.level} is there twice")
            eval_sets[eval_set.address] = eval_set
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"cannot understand {folder / 'evaluation.json'}: {_reason(error)}"
        ) from None
    try:
        problems = manifest.get("problems")
        return Run(
            folder=folder,
            arm=str(manifest["arm"]),
            seed=int(manifest["seed"]),
            group=str(manifest.get("group") or ""),
            information=str(manifest.get("supervision") or ""),
            status=str(manifest.get("status") or ""),
            problems=problems if isinstance(problems, int) else None,
            config=manifest.get("config") or {},
            eval_sets=eval_sets,
            records=tuple(_records(folder / "metrics.jsonl")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"cannot understand {folder / 'run.json'}: {_reason(error)}") from None


def _eval_set(raw: Mapping[str, Any]) -> EvalSet:
    tasks = raw["tasks"]
    samples = tuple(int(task.get("samples") or 0) for task in tasks)
    correct = tuple(int(task.get("correct") or 0) for task in tasks)
    if not tasks or any(not 0 <= c <= n for c, n in zip(correct, samples, strict=True)):
        raise ValueError("an eval set needs tasks, each with no more correct answers than samples")
    return EvalSet(
        group=str(raw["group"]),
        level=int(raw["level"]),
        split=str(raw.get("split") or ""),
        keys=tuple(str(task["key"]) for task in tasks),
        greedy=tuple(bool(task["greedy"]) for task in tasks),
        samples=samples,
        correct=correct,
        graded=tuple(task.get("status") not in FAILURES for task in tasks),
    )


def _records(path: Path) -> list[Record]:
    return [
        Record(
            step=int(raw["step"]),
            budgets={name: float(raw[name]) for name in BUDGETS if raw.get(name) is not None},
            metrics={k: float(v) for k, v in (raw.get("metrics") or {}).items() if _finite(v)},
        )
        for raw in metric_lines(path)
    ]


def metric_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a `metrics.jsonl`; a last line torn by a kill is passed over."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, start=1):
        try:
            raw = json.loads(line)
            int(raw["step"])
        except (ValueError, KeyError, TypeError):
            if number == len(lines):
                return  # the run was killed while it wrote its last line
            raise UserError(f"cannot understand line {number} of {path}") from None
        yield raw


def _json(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from None
    if not isinstance(raw, dict):
        raise UserError(f"cannot understand {path}: not a JSON object")
    return raw


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _reason(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _check(runs: Sequence[Run]) -> None:
    """That pooling and pairing these runs means something."""
    first = runs[0]
    seen: dict[tuple[str, int], Run] = {}
    for run in runs:
        twin = seen.setdefault((run.arm, run.seed), run)
        if twin is not run:
            raise UserError(
                f"two runs of {run.arm} seed {run.seed}: {twin.folder} and {run.folder}; "
                "compare one of them"
            )
        for group, level in addresses([first, run]):
            one, two = first.eval_sets.get((group, level)), run.eval_sets.get((group, level))
            if _identity(one) != _identity(two):
                raise UserError(
                    f"{run} and {first} were not evaluated on the same problems at {group} "
                    f"level {level}; evaluate both on the same eval sets"
                )


def _graded_everywhere(runs: list[Run], notes: list[str] | None) -> list[Run]:
    """The runs without the problems that a grader failed on in any of them: neither right nor
    wrong, and left out everywhere, so that the arms stay paired."""
    kept: dict[Address, Sequence[bool]] = {}
    for run in runs:
        for place, eval_set in run.eval_sets.items():
            before = kept.get(place, (True,) * len(eval_set.keys))
            kept[place] = [a and b for a, b in zip(before, eval_set.graded, strict=True)]
    for (group, level), keep in kept.items():
        if notes is not None and not all(keep):
            left = f"{len(keep) - sum(keep)} of {len(keep)} problems of {group} level {level}"
            notes.append(f"{left} are left out: in some run their grader failed")
    return [
        replace(
            run, eval_sets={p: q.only(kept[p]) for p, q in run.eval_sets.items() if any(kept[p])}
        )
        for run in runs
    ]


def _identity(eval_set: EvalSet | None) -> tuple[str, tuple[str, ...]] | None:
    return (eval_set.split, eval_set.keys) if eval_set else None
