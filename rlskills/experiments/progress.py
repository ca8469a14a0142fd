"""How far a run has come: its newest whole checkpoint, and a record that reaches it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from accelerate import PartialState

from ..errors import UserError
from ..runs.folder import RunFolder
from ..runs.metrics import FILE, gap, records_to, write_records
from ..training.checkpoint import RECORD, newest_whole
from ..training.resume import STAGED


@dataclass(frozen=True)
class Progress:
    """How far a run had come when it was last killed."""

    checkpoint: Path | None
    step: int

    @property
    def last_step(self) -> int:
        """The last step whose metrics stay in the record; -1 for none."""
        return self.step if self.checkpoint else -1


def progress_of(run: RunFolder, say: Callable[[str], None]) -> Progress:
    """The newest whole checkpoint; what a killed process was writing is removed.

    The record then holds every step up to it: a damaged one is put back from the checkpoint. Where
    the checkpoint has no copy of it, the one before is used. `say` is told of both.
    """
    with PartialState().main_process_first():
        shutil.rmtree(run.checkpoints / STAGED, ignore_errors=True)
        checkpoint = newest_whole(run.checkpoints)
        while checkpoint and not _recorded(run, checkpoint, say):
            shutil.rmtree(checkpoint)
            checkpoint = newest_whole(run.checkpoints)
    return Progress(checkpoint, _step(checkpoint) if checkpoint else 0)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name[11:])


def _recorded(run: RunFolder, checkpoint: Path, say: Callable[[str], None]) -> bool:
    """Whether the record holds all steps up to a checkpoint, if need be from the copy there."""
    record, step = run.path / FILE, _step(checkpoint)
    wrong = _fault(record, step)
    if _fault(checkpoint / RECORD, step) is None:
        kept = records_to(checkpoint / RECORD, step)
        if wrong is None and records_to(record, step) != kept:
            wrong = f"{record} has changed since {checkpoint.name} was written"
        if wrong:
            write_records(record, kept)
            say(f"{wrong}: put back from {checkpoint.name}")
        return True
    if wrong:
        say(f"{wrong}, and {checkpoint.name} has no copy of it: going on from what is before it")
    return not wrong


def _fault(record: Path, last_step: int) -> str | None:
    try:
        wrong = gap(records_to(record, last_step), last_step)
    except UserError as error:
        return str(error)
    return wrong and f"{record} {wrong}"
