"""What a complete arm has lost, and what brings it back without training.

Its record holds the curves and the evaluation; its weights give the evaluation anew; TensorBoard's
events are a view of the curves. What nothing brings back is named, with the way to go on.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..runs.ended import EVALUATION, EVENTS, MODEL, Faults, faults, gap_in, record_gap
from ..runs.files import read_evaluation
from ..runs.folder import BASE, RunFolder, write_json
from ..runs.metrics import FILE, MetricWriter, write_records
from ..runs.tags import Address
from .evaluator import accuracies, failure_shares
from .records import NAME, DamagedRecord, Record, read_record, unpack, write_record


@dataclass(frozen=True)
class Condition:
    """How a complete arm was found."""

    run: RunFolder
    faults: Faults
    record: Record | None
    """Its own one, if any of `faults` can be mended with it."""

    @property
    def weights(self) -> bool:
        """Whether the weights that it ended with are there and whole."""
        return MODEL not in self.faults and self.run.model.is_dir()

    @property
    def evaluate(self) -> bool:
        """Whether its evaluation is lost and has to be made again from its weights."""
        return EVALUATION in self.faults and self.record is None

    @property
    def curves(self) -> bool:
        """Whether the record, if there is one, has all curves."""
        return self.record is not None and not gap_in(self.record.metrics)

    @property
    def lost(self) -> bool:
        """Whether the evaluation is lost, and no weights of its own are there to make it again."""
        return self.evaluate and not self.weights

    @property
    def mendable(self) -> bool:
        """Whether there is anything to put back."""
        return bool(self.faults.keys() - {MODEL})

    @property
    def beyond(self) -> list[str]:
        """The faults that only training mends, if its results or weights are needed."""
        return [self.faults[part] for part in (EVALUATION, MODEL) if part in self.faults]

    def remarks(self) -> list[str]:
        """A line for each fault: the file, and what is done about it."""
        place, record = self.run.path, f"put back from {NAME}"
        lost = f"its tables stand; remove {place} to train it again"
        done = {
            MODEL: lost,
            EVALUATION: "asked again of its weights" if self.evaluate else record,
            FILE: record if self.curves else lost,
            EVENTS: f"written again from {FILE}",
        }
        if FILE in self.faults and not self.curves:
            del done[EVENTS]
        return [f"{wrong}: {done[part]}" for part, wrong in self.faults.items() if part in done]


def condition_of(run: RunFolder) -> Condition:
    """How a complete arm is; a record that is damaged, and that nothing can put back, is a
    `UserError`."""
    found = faults(run)
    record = _own_record(run) if found.keys() & {EVALUATION, FILE} else None
    if FILE in found and record is None and (run.path / FILE).exists():
        _check_readable(run, found[FILE])
    return Condition(run, found, record)


def mend(condition: Condition, addresses: Sequence[Address], say: Callable[[str], None]) -> None:
    """Bring back all that needs no weights, the record too; on the main process."""
    run, record, broken = condition.run, condition.record, condition.faults
    if record and condition.curves and FILE in broken:
        write_records(run.path / FILE, record.metrics)
    if record and EVALUATION in broken:
        write_json(run.path / EVALUATION, record.evaluation)
    if FILE in broken and not condition.curves:
        return
    if EVENTS in broken:
        write_events(run, addresses)
        run.seal(EVENTS)
    if _own_record(run) is None:
        if (run.path / NAME).exists():
            say(f"{run.path / NAME} is damaged, or of another run: written anew")
        write_record(run)


def write_events(run: RunFolder, addresses: Sequence[Address]) -> None:
    """TensorBoard's view of a complete run, from its record and its evaluation."""
    arm = str(run.manifest["arm"])
    settings = run.manifest["config"].get("settings") or {}
    evaluation = read_evaluation(run.path / EVALUATION)
    writer = MetricWriter(run.path, sys.maxsize, [] if arm == BASE else addresses)
    writer.hparams({"arm": arm, **settings}, accuracies(evaluation))
    writer.failures(failure_shares(evaluation))
    writer.close()


def restore_arm(record: Record, path: Path, addresses: Sequence[Address]) -> RunFolder:
    """Make `path` the complete run that `record` tells of, TensorBoard's view of it included."""
    shutil.rmtree(path / "checkpoints", ignore_errors=True)
    run = unpack(record, path)
    write_events(run, addresses)
    run.seal(EVENTS)
    return run


def _own_record(run: RunFolder) -> Record | None:
    """The record in a run's folder, if it is whole and of this very run."""
    try:
        record = read_record(run.path / NAME)
    except DamagedRecord:
        return None
    same = record.config_hash == run.manifest["config_hash"]
    return record if same and _results(record.manifest) == _results(run.manifest) else None


def _results(manifest: Mapping[str, Any]) -> list[Any]:
    """The seals of what a record holds; of a run without seals none."""
    return [(manifest.get("sealed") or {}).get(part) for part in (FILE, EVALUATION)]


def _check_readable(run: RunFolder, wrong: str) -> None:
    """A `UserError` for damaged curves; those of earlier versions may have gaps."""
    if "sealed" not in run.manifest:
        try:
            record_gap(run.path / FILE)
            return
        except UserError as error:
            wrong = str(error)
    raise UserError(
        f"{wrong}, and no whole {NAME} is there to put it back from; remove {run.path / FILE} to "
        f"go on without the curves of this arm, or {run.path} to train it again"
    )
