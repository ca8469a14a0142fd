"""A finished study as a page needs it: what its folder holds, and what it should hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import UserError
from ..runs.files import read_object
from ..runs.folder import MANIFEST
from ..runs.study_file import CONFIG, FILE, StudyFile, read_study_file
from .claims import Judged, judged
from .comparison import Comparison, build
from .reading import load_runs, run_folders
from .run import Run, arms
from .section import Section
from .sections import sections

Manifest: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """The runs of one study's folder; `manifests` has the `run.json` of each of `runs`."""

    folder: Path
    about: StudyFile | None
    runs: Sequence[Run]
    manifests: Sequence[Manifest]
    comparison: Comparison

    @property
    def title(self) -> str:
        """The question, or what the comparison is called."""
        return self.about.title if self.about else self.comparison.title

    @property
    def notes(self) -> list[str]:
        """What a reader must know before the numbers."""
        missing = _missing(self.about, self.folder)
        return [*self.comparison.notes, *missing, *_commit_notes(self.manifests)]

    @cached_property
    def tables(self) -> list[Section]:
        """All that the comparison says, for a page."""
        return sections(self.comparison)

    @cached_property
    def claims(self) -> list[Judged]:
        """What the study claims, with verdicts."""
        return judged(arms(self.runs), self.about.claims) if self.about else []

    @property
    def command(self) -> str:
        """How the study was run; empty where that is not known."""
        return f"{self.about.command} --config {CONFIG}" if self.about else ""

    @property
    def settings(self) -> str:
        """The text of `config.yaml`; empty where there is none."""
        file = self.folder / CONFIG
        if not file.is_file():
            return ""
        return file.read_text(encoding="utf-8", errors="replace").rstrip("\n")


def load_study(folder: Path) -> Study:
    """Read and compare the runs of a study; a `UserError` for what is no folder of one study."""
    run_folders(folder)
    inside = sorted(file.parent.name for file in folder.glob(f"*/{FILE}"))
    if inside and not (folder / FILE).is_file():
        raise UserError(f"{folder} holds several studies: {', '.join(inside)}; name one of them")
    if (folder / MANIFEST).is_file():
        raise UserError(f"{folder} is a run; name the folder of its study")
    notes: list[str] = []
    runs = load_runs([folder], notes)
    manifests = [read_object(run.folder / MANIFEST, {"arm": str}) for run in runs]
    return Study(folder, read_study_file(folder), runs, manifests, build(runs, notes))


def _missing(about: StudyFile | None, study: Path) -> list[str]:
    """What the study should have and its folder has not."""
    notes = [f"the folder has no {CONFIG}"] if not (study / CONFIG).is_file() else []
    if about is None:
        return [*notes, f"the folder has no {FILE}, so arms may be missing"]
    for arm in about.starts:
        seeds = [seed for seed in about.seeds if not (study / f"seed{seed}" / arm).is_dir()]
        if seeds:
            notes.append(f"{arm}: seed {', '.join(map(str, seeds))} is not there yet")
    return notes


def _commit_notes(manifests: Sequence[Manifest]) -> list[str]:
    states = [manifest.get("git") or {} for manifest in manifests]
    notes = []
    if len({state.get("commit") for state in states}) > 1:
        notes.append("the runs come from different commits, which the end of the page lists")
    if any(state.get("changed") for state in states):
        notes.append("some runs were made with changes that are not in their commit")
    return notes
