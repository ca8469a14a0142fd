"""What a complete run ended with, and whether that is still there and as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import UserError
from .files import Damaged, read_evaluation
from .folder import HINT, MANIFEST, RunFolder
from .metrics import FILE, gap, metric_lines
from .sealing import changed

EVALUATION, MODEL, EVENTS = "evaluation.json", "model", "tensorboard"
Faults: TypeAlias = dict[str, str]
"""By part of a run (`folder.PARTS`): a file of it, and what is wrong with that."""


def faults(run: RunFolder) -> Faults:
    """The parts of a complete run that are missing or not as they were when it ended.

    A run that was put back from its record has no weights, which is no fault. One that an earlier
    version made is not sealed: its files are judged by what they hold.
    """
    sealed = run.manifest.get("sealed")
    found = _unsealed(run) if sealed is None else _by_seal(run, sealed)
    if run.manifest.get("recorded") and not run.model.is_dir():
        found.pop(MODEL, None)
    return found


def _by_seal(run: RunFolder, sealed: object) -> Faults:
    if not isinstance(sealed, dict):
        raise Damaged(run.path / MANIFEST, "its 'sealed' is no object", HINT)
    found: Faults = {}
    for name, why in changed(run.path, sealed):
        found.setdefault(name.partition("/")[0], f"{run.path / name} {why}")
    return found


def _unsealed(run: RunFolder) -> Faults:
    found: Faults = {}
    try:
        read_evaluation(run.path / EVALUATION)
    except UserError as error:
        found[EVALUATION] = str(error)
    try:
        if wrong := record_gap(run.path / FILE):
            found[FILE] = wrong
    except UserError as error:
        found[FILE] = str(error)
    if "final_state" in run.manifest and not run.model.is_dir():
        found[MODEL] = f"{run.model} is missing"
    if not (run.path / EVENTS).is_dir():
        found[EVENTS] = f"{run.path / EVENTS} is missing"
    return found


def record_gap(file: Path) -> str | None:
    """What a whole record lacks, in a line; None: nothing. A damaged one is a `UserError`."""
    if not file.is_file():
        return f"{file} is missing"
    wrong = gap_in(list(metric_lines(file)))
    return wrong and f"{file} {wrong}"


def gap_in(records: Sequence[Mapping[str, Any]]) -> str | None:
    """What a record lacks to have every step to its last one."""
    return gap(records, max((record["step"] for record in records), default=-1))
