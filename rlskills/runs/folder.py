"""Run folders: one folder per run, with all that is needed to know what it was and to go on.

run.json         arm, seed, supervision, configuration and its hash, versions, git state, status;
                 of a complete run the digests of what it ended with
metrics.jsonl    one record per logged step, with the budgets spent so far
rollouts.jsonl   the rollouts of some rounds; see rlskills.runs.rollout_log
tensorboard/     the same, as events
checkpoints/     model, optimizer, generators, curriculum, and a copy of the record; see
                 rlskills.training.checkpoint
model/           the final weights
evaluation.json  outcomes on the fixed eval sets, task by task
record.json.gz   of a finished run: all but weights and rollouts; see rlskills.experiments.records
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from ..environments import digest
from ..errors import UserError
from .files import Damaged, Kind, read_object
from .sealing import digests

BASE = "base"
"""The arm that every other arm starts from."""

CODE, EVAL_CODE = "code", "eval_code"
"""Where a configuration has digests of the files that an arm is trained with (`file.py:Class`), and
of those that its evaluation is graded with, by their names."""
MANIFEST = "run.json"
KINDS: dict[str, Kind] = {"arm": str, "status": str, "config": dict, "config_hash": str}
"""What every manifest has."""
HINT = (
    "remove that file and repeat the command: the arm goes on from its checkpoints or its record, "
    "or begins anew"
)
PARTS = ("model", "evaluation.json", "metrics.jsonl", "tensorboard")
"""What a complete run ends with, sealed in its manifest."""

T = TypeVar("T")

PACKAGES = ("rlskills", "torch", "transformers", "trl", "accelerate", "tensorboard", "numpy")


class OtherConfiguration(UserError):
    """A folder holds a run made with another configuration; `differs` names its parts."""

    def __init__(self, path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.about = path, old, new
        self.differs = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        self.difference = _difference(old, new)
        super().__init__(
            f"{path} holds a run made with another configuration ({self.difference}); "
            "choose another --output, or remove that folder"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """An arm in a process of its own hands this to the one that started it."""
        return OtherConfiguration, self.about


class RunFolder:
    """One run on disk. `open` makes it, or finds it again if the configuration is the same."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: Path, *, arm: str, config: Mapping[str, Any], **about: Any) -> RunFolder:
        """The run at `path`: new, or the one that was made with the same `config` there.

        A run made with another configuration is an `OtherConfiguration` that names what differs.
        """
        config = json.loads(json.dumps(config))
        file = path / MANIFEST
        if file.exists():
            run = cls.read(path)
            made = run.manifest["config"]
            if run.manifest["config_hash"] != digest(run.manifest["arm"], made):
                raise Damaged(file, "its hash is not that of its configuration", HINT)
            if run.manifest["config_hash"] != digest(arm, config):
                raise OtherConfiguration(path, made, config)
            return run
        path.mkdir(parents=True, exist_ok=True)
        manifest = {
            "arm": arm,
            **about,
            "status": "running",
            "config": config,
            "config_hash": digest(arm, config),
            "versions": {name: _version(name) for name in PACKAGES},
            "python": platform.python_version(),
            "platform": platform.platform(),
            "git": git_state(),
        }
        run = cls(path, manifest)
        run.save()
        return run

    @classmethod
    def read(cls, path: Path) -> RunFolder:
        """An existing run; a missing or damaged `run.json` is a `UserError`."""
        file = path / MANIFEST
        try:
            return cls(path, read_object(file, KINDS, HINT))
        except FileNotFoundError:
            raise UserError(f"{path} is not a run folder (it has no run.json)") from None

    def made(self, name: str, make: Callable[..., T]) -> T:
        """What `make` makes of the object `name` of the manifest; `Damaged` where it cannot."""
        try:
            return make(**self.manifest[name])
        except (KeyError, TypeError, ValueError) as error:
            why = f"its {name!r} cannot be understood ({error})"
            raise Damaged(self.path / MANIFEST, why, HINT) from None

    @property
    def complete(self) -> bool:
        """Whether training and evaluation have ended."""
        return self.manifest["status"] == "complete"

    @property
    def model(self) -> Path:
        """Where the final weights are."""
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are."""
        return self.path / "checkpoints"

    def note(self, **fields: Any) -> None:
        """Add facts to the manifest."""
        self.manifest.update(fields)
        self.save()

    def save(self) -> None:
        """Write the manifest."""
        write_json(self.path / MANIFEST, self.manifest)

    def seal(self, part: str) -> None:
        """Seal one of `PARTS` again, which was made anew; not of a run that has no seals."""
        if "sealed" in self.manifest:
            others = {name: was for name, was in self.manifest["sealed"].items()
                      if name.partition("/")[0] != part}  # fmt: skip
            self.note(sealed=others | digests(self.path, [part]))

    @contextmanager
    def attempt(self, main: bool = True) -> Iterator[None]:
        """Note a `UserError` that ends the work within as `status` "failed", with its `reason`.

        Checkpoints stay, so the run can go on from them. Under several processes only the `main`
        one writes.
        """
        if not main:
            yield
            return
        self.manifest.pop("reason", None)
        self.note(status="running")
        try:
            yield
        except UserError as error:
            self.note(status="failed", reason=str(error))
            raise

    def finish(self) -> None:
        """Mark the run complete and seal its `PARTS`; what only a resume needs is removed."""
        self.note(status="complete", sealed=digests(self.path, PARTS))
        shutil.rmtree(self.checkpoints, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write beside and rename, so that a reader sees the old file or the new one, never half.

    A number that is not finite is a `UserError`: JSON has none.
    """
    try:
        text = json.dumps(value, indent=1, allow_nan=False)
    except ValueError as error:
        raise UserError(f"cannot write {path}: {error}") from None
    beside = path.with_name(path.name + ".new")
    with beside.open("w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _difference(old: Any, new: Any, where: str = "") -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        parts = [
            _difference(old.get(key), new.get(key), f"{where}{key}.")
            for key in sorted(old.keys() | new.keys())
            if old.get(key) != new.get(key)
        ]
        return ", ".join(parts)
    return f"{where.rstrip('.')}: {old!r} there, {new!r} now"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_state() -> dict[str, Any] | None:
    """Commit of the source tree and whether it has changes; None outside a repository."""
    here = Path(__file__).resolve().parents[2]

    def git(*words: str) -> str:
        command = ["git", "-C", str(here), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None
