"""The portable record of a finished arm: all its results, and no weights.

A record is kilobytes and can be committed. It holds the manifest (configuration, hash, budgets,
versions, commit), the metrics and the evaluation; a study on another machine takes the arm as done
where the hash is the same.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from ..errors import UserError
from ..runs.folder import RunFolder, write_json
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
    """Write the record of a complete run into its folder; equal runs give equal bytes."""
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    value = {
        "format": FORMAT,
        "run": {name: fact for name, fact in run.manifest.items() if name not in LEFT_OUT},
        "metrics": [json.loads(line) for line in lines],
        "evaluation": json.loads((run.path / "evaluation.json").read_text()),
    }
    text = json.dumps(value, separators=(",", ":"))
    file, beside = run.path / NAME, run.path / f"{NAME}.new"
    beside.write_bytes(gzip.compress(text.encode(), mtime=0))
    beside.replace(file)
    return file


def read_record(file: Path) -> Record:
    """The record in `file`; `DamagedRecord` says what is wrong with it."""
    try:
        value = json.loads(gzip.decompress(file.read_bytes()))
        if value["format"] != FORMAT:
            raise DamagedRecord(f"format {value['format']} is not known here")
        record = Record(file, value["run"], value["metrics"], value["evaluation"])
        found = config_hash(record.manifest["arm"], record.manifest["config"])
        if record.config_hash != found or not record.evaluation["eval_sets"]:
            raise DamagedRecord("its hash is not that of its configuration")
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise DamagedRecord(f"{type(error).__name__}: {error}") from error
    return record


def unpack(record: Record, folder: Path) -> RunFolder:
    """Make `folder` a complete run, but for weights and TensorBoard events."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(line) + "\n" for line in record.metrics]
    (folder / "metrics.jsonl").write_text("".join(lines))
    write_json(folder / "evaluation.json", record.evaluation)
    run = RunFolder(folder, {**record.manifest, "status": "complete", "recorded": True})
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
        self.console.print(text, highlight=False, soft_wrap=True, markup=False)
