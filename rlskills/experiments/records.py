"""The portable record of a finished arm: all its results, and no weights.

A record is kilobytes and can be committed. It holds the manifest (configuration, hash, budgets,
versions, commit), the metrics and the evaluation; a study on another machine takes the arm as done
where the hash is the same.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console import Console
from ..errors import UserError
from ..runs.files import lacking, parsed, read_evaluation
from ..runs.folder import RunFolder, write_json
from ..runs.metrics import metric_lines, write_records
from .identity import config_hash

NAME = "record.json.gz"
FORMAT = 1
LEFT_OUT = ("final_state", "status", "platform", "recorded")
"""Of the manifest: what only a resume needs, and what does not concern another machine."""


class DamagedRecord(Exception):
    """Why a file cannot be taken as a record."""


@dataclass(frozen=True)
class Record:
    """A finished arm as one file."""

    file: Path
    manifest: dict[str, Any]
    metrics: list[dict[str, Any]]
    evaluation: dict[str, Any]

    @property
    def config_hash(self) -> str:
        """The hash of its arm and configuration."""
        return str(self.manifest["config_hash"])


def write_record(run: RunFolder) -> Path:
    """Write the record of a complete run into its folder; equal runs give equal bytes.

    A damaged file of the run is a `UserError`.
    """
    value = {
        "format": FORMAT,
        "run": {name: fact for name, fact in run.manifest.items() if name not in LEFT_OUT},
        "metrics": list(metric_lines(run.path / "metrics.jsonl")),
        "evaluation": read_evaluation(run.path / "evaluation.json"),
    }
    text = json.dumps(value, separators=(",", ":"))
    file, beside = run.path / NAME, run.path / f"{NAME}.new"
    beside.write_bytes(gzip.compress(text.encode(), mtime=0))
    beside.replace(file)
    return file


def read_record(file: Path) -> Record:
    """The record in `file`; `DamagedRecord` says what is wrong with it."""
    try:
        value = parsed(gzip.decompress(file.read_bytes()))
        if value["format"] != FORMAT:
            raise DamagedRecord(f"format {value['format']} is not known here")
        record = Record(file, value["run"], value["metrics"], value["evaluation"])
        found = config_hash(record.manifest["arm"], record.manifest["config"])
        if record.config_hash != found or not record.evaluation["eval_sets"]:
            raise DamagedRecord("its hash is not that of its configuration")
        for line in record.metrics:
            if why := lacking(line, {"step": int, "time": (int, float), "metrics": dict}):
                raise DamagedRecord(f"in its metrics {why}")
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise DamagedRecord(f"{type(error).__name__}: {error}") from error
    return record


def unpack(record: Record, folder: Path) -> RunFolder:
    """Make `folder` a complete run, but for weights and TensorBoard events.

    Weights that are there already stay if they are those that the record was made with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_records(folder / "metrics.jsonl", record.metrics)
    write_json(folder / "evaluation.json", record.evaluation)
    run = RunFolder(folder, {**record.manifest, "status": "complete", "recorded": True})
    for part in ("metrics.jsonl", "evaluation.json"):
        run.seal(part)
    run.save()
    return run


class RecordShelf:
    """Records by hash: those below a folder, and the one that an arm's own folder may hold."""

    def __init__(self, folder: Path | None, console: Console) -> None:
        self.console = console
        self._known: dict[str, Record] = {}
        if folder and not folder.is_dir():
            raise UserError(f"no such folder of records: {folder}")
        for file in sorted(folder.rglob("*.json.gz")) if folder else ():
            if record := self._read(file):
                self._known.setdefault(record.config_hash, record)

    def find(self, wanted: str, arm_folder: Path) -> Record | None:
        """The record with this hash, or None."""
        file = arm_folder / NAME
        if file.exists() and (record := self._read(file)):
            if record.config_hash == wanted:
                return record
            self._say(f"{file}: of another configuration, not taken")
        return self._known.get(wanted)

    def _read(self, file: Path) -> Record | None:
        try:
            return read_record(file)
        except DamagedRecord as reason:
            self._say(f"{file}: damaged, ignored ({reason})")
            return None

    def _say(self, text: str) -> None:
        self.console.say(text)
