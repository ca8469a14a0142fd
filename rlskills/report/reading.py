"""Finished runs read back from their folders, for tables and figures.

Of a run folder three files are read: `run.json` (which arm, seed and supervision), the final
`evaluation.json` (every problem by key) and `metrics.jsonl` (curves against budgets).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..environments.types import FAILURES
from ..errors import UserError
from ..runs.ended import gap_in
from ..runs.files import parsed, read_bytes
from ..runs.metrics import BUDGETS, metric_lines
from ..runs.sealing import changed
from ..runs.supervision import Supervision
from ..runs.tags import Address
from .kept import kinds_of, shown_of, skills_of
from .matching import check_same_code, check_same_problems, graded_everywhere
from .run import EvalSet, Record, Run, arms

UNFIT = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What values of other kinds than were written raise."""
MENDS = "the command that made the run puts it back, or says what can be done"


def load_runs(
    paths: Iterable[str | Path], notes: list[str] | None = None, same_code: bool = False
) -> list[Run]:
    """Every evaluated run in the given folders, each a run folder or a parent of run folders.

    A run without `evaluation.json`, and a folder that cannot be listed, is left out and a line on
    it appended to `notes`. Raises `UserError` for a folder that is missing or holds no runs, a file
    that cannot be read or understood, two runs of one arm with one seed, and runs that were not
    evaluated on the same problems or, unless `same_code` is said, were graded by two versions of
    one file.
    """
    folders: dict[Path, Path] = {}
    for path in paths:
        for folder in run_folders(Path(path), notes):
            folders.setdefault(folder.resolve(), folder)
    runs = []
    for folder in folders.values():
        if _is_there(folder / "evaluation.json"):
            runs.append(read_run(folder, notes))
        elif notes is not None:
            notes.append(f"{folder} {_unevaluated(folder)} and is left out")
    if not runs:
        left_out = f" ({len(folders)} without evaluation.json)" if folders else ""
        raise UserError(f"no evaluated run to compare{left_out}")
    runs = [run for pool in arms(runs).values() for run in pool]
    check_same_problems(runs)
    check_same_code(runs, notes, same_code)
    return graded_everywhere(runs, notes)


def _unevaluated(folder: Path) -> str:
    manifest = _json(folder / "run.json")
    if manifest.get("status") == "failed":
        return f"failed ({manifest.get('reason')})"
    if manifest.get("status") == "complete":
        return "has lost its evaluation.json, which the command that made it puts back,"
    return "has no evaluation.json yet"


def run_folders(path: Path, notes: list[str] | None = None) -> list[Path]:
    """`path` itself if it is a run folder, else the run folders anywhere below it, sorted.

    A folder that cannot be listed is a line in `notes`, without them a `UserError`.
    """
    if not os.path.isdir(path):
        raise UserError(f"no such folder: {path}")
    folders = []

    def unlisted(error: OSError) -> None:
        text = f"cannot list {error.filename}: {(error.strerror or str(error)).lower()}"
        if notes is None:
            raise UserError(text) from None
        notes.append(f"{text}; runs in it are left out")

    for folder, children, files in os.walk(path, onerror=unlisted):
        if "run.json" in files:
            folders.append(Path(folder))
            children.clear()  # what lies inside a run, such as its checkpoints, belongs to it
    if not folders:
        unread = f" ({'; '.join(notes)})" if notes else ""
        raise UserError(f"no run in {path}: no run.json in it or below it{unread}")
    return sorted(folders)


def read_run(folder: Path, notes: list[str] | None = None) -> Run:
    """The run in `folder`, which holds `run.json` and `evaluation.json`.

    What its record lacks is a line in `notes`.
    """
    manifest, evaluation = _json(folder / "run.json"), _json(folder / "evaluation.json")
    _check_seals(folder, manifest)
    try:
        eval_sets: dict[Address, EvalSet] = {}
        for eval_set in map(_eval_set, evaluation["eval_sets"]):
            if eval_set.address in eval_sets:
                raise ValueError(f"{eval_set.group} level {eval_set.level} is there twice")
            eval_sets[eval_set.address] = eval_set
    except UNFIT as error:
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
            supervision=_supervision(manifest),
            supervision_note=str(manifest.get("supervision_note") or ""),
            status=str(manifest.get("status") or ""),
            problems=problems if isinstance(problems, int) else None,
            config=manifest.get("config") or {},
            eval_sets=eval_sets,
            records=tuple(_records(folder / "metrics.jsonl", manifest, notes)),
        )
    except UNFIT as error:
        raise UserError(f"cannot understand {folder / 'run.json'}: {_reason(error)}") from None


def _supervision(manifest: Mapping[str, Any]) -> Supervision | None:
    raw = manifest.get("supervision")
    return None if raw is None else Supervision(raw)


def _eval_set(raw: Mapping[str, Any]) -> EvalSet:
    tasks = raw["tasks"]
    samples = tuple(int(task.get("samples") or 0) for task in tasks)
    correct = tuple(int(task.get("correct") or 0) for task in tasks)
    if not tasks or any(not 0 <= c <= n for c, n in zip(correct, samples, strict=True)):
        raise ValueError("an eval set needs tasks, each with no more correct answers than samples")
    skills = tuple(map(skills_of, tasks))
    kinds = tuple(kinds_of(task, place) for place, task in enumerate(tasks))
    shown = tuple(map(shown_of, tasks))
    return EvalSet(
        group=str(raw["group"]),
        level=int(raw["level"]),
        split=str(raw.get("split") or ""),
        keys=tuple(str(task["key"]) for task in tasks),
        greedy=tuple(bool(task["greedy"]) for task in tasks),
        samples=samples,
        correct=correct,
        graded=tuple(task.get("status") not in FAILURES for task in tasks),
        skills=skills if any(skills) else None,
        kinds=kinds if any(kinds) else None,
        shown=shown if any(shown) else None,
    )


def _check_seals(folder: Path, manifest: Mapping[str, Any]) -> None:
    """What a complete run ended with must be what is read; a missing record is noted elsewhere."""
    sealed = manifest.get("sealed")
    sealed = sealed if isinstance(sealed, dict) else {}
    read = {name: sealed[name] for name in ("evaluation.json", "metrics.jsonl") if name in sealed}
    for name, why in changed(folder, read):
        if _is_there(folder / name):
            raise UserError(f"{folder / name} {why}; {MENDS}")


def _records(path: Path, manifest: Mapping[str, Any], notes: list[str] | None) -> list[Record]:
    lines = list(metric_lines(path))
    wrong = gap_in(lines) if _is_there(path) else "is missing"
    # Files that were written by hand count steps as they like, and need no curves.
    if notes is not None and wrong and "sealed" in manifest:
        notes.append(f"{path} {wrong}: curves are not whole")
    return [
        Record(
            step=int(raw["step"]),
            budgets={name: float(raw[name]) for name in BUDGETS if raw.get(name) is not None},
            metrics={k: float(v) for k, v in (raw.get("metrics") or {}).items() if _finite(v)},
        )
        for raw in lines
    ]


def _json(path: Path) -> dict[str, Any]:
    try:
        raw = parsed(read_bytes(path))
    except (FileNotFoundError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from None
    if not isinstance(raw, dict):
        raise UserError(f"cannot understand {path}: not a JSON object")
    return raw


def _is_there(path: Path) -> bool:
    """Whether a file is there; a `UserError` where the folder does not say."""
    try:
        return path.exists()
    except OSError as error:
        raise UserError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _reason(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
