"""The page of a study, made from the study's folder alone.

    write_page(Path("runs/mine"))                                # runs/mine/page.md
    write_page(Path("runs/mine"), Path("docs/studies/mine.md"))  # figures in docs/studies/mine/

Nothing on it is typed: the question is in `study.json`, the settings in `config.yaml`, commits and
versions in every `run.json`, and the rest is measured.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from ..errors import UserError
from ..runs.files import read_object
from ..runs.folder import MANIFEST
from ..runs.study_file import CONFIG, FILE, StudyFile, read_study_file
from ..runs.tags import spans
from ..tables import escape, markdown
from .claims import claims_sections, judged
from .comparison import COMPLETE, Comparison, build
from .reading import load_runs, run_folders
from .render import section_markdown
from .run import EvalSet, Run, arms
from .sections import NONE, sections
from .transcript import fenced, transcript
from .write import draw_figures

Manifest: TypeAlias = Mapping[str, Any]


def write_page(study: Path, output: Path | None = None) -> Path:
    """Write the page of the study in a folder, and its figures; returns the page.

    Args:
        study: Folder that a study was run in (`--output` of `rlskills run`).
        output: The page; default: `page.md` in the folder. Figures lie beside it: in the study's
            folder, or in a folder named like a page that is elsewhere.
    """
    _check_folder(study)
    page = output or study / "page.md"
    if page.suffix != ".md":
        raise UserError(f"a page is a Markdown file: {page} does not end with .md")
    notes: list[str] = []
    runs = load_runs([study], notes)
    comparison = build(runs, notes)
    beside = page.parent.resolve() == study.resolve()
    figures = draw_figures(runs, comparison, study if beside else page.with_suffix(""))
    page.write_text(_page(study, runs, comparison, [_link(page, file) for file in figures]))
    return page


def _check_folder(study: Path) -> None:
    """Refuse what is no folder of one study."""
    run_folders(study)
    inside = sorted(file.parent.name for file in study.glob(f"*/{FILE}"))
    if inside and not (study / FILE).is_file():
        raise UserError(f"{study} holds several studies: {', '.join(inside)}; name one of them")
    if (study / "run.json").is_file():
        raise UserError(f"{study} is a run; name the folder of its study")


def _page(study: Path, runs: Sequence[Run], comparison: Comparison, figures: Sequence[str]) -> str:
    about = read_study_file(study)
    manifests = [read_object(run.folder / MANIFEST, {"arm": str}) for run in runs]
    trained = [run for pool in arms(runs).values() for run in pool]
    notes = [*comparison.notes, *_missing(about, study), *_commit_notes(manifests)]
    title = about.title if about else comparison.title
    parts = [
        f"# {escape(title)}\n",
        *(f"> Note: {escape(note)}.\n" for note in notes),
        *_claims(about, runs),
        *_settings(study, about),
        "## Arms\n",
        _arms(about, runs),
        "## Eval sets\n",
        _eval_sets(runs[0].eval_sets.values()),
        "## Results\n",
        *figures,
        *(section_markdown(section) for section in sections(comparison)),
        "## A problem and two answers\n",
        transcript(trained) or "No arm has a rollout log; RL arms write one while they train.\n",
        "## How long it takes\n",
        _time(about, runs),
        "## Made with\n",
        _versions(runs, manifests),
    ]
    return "\n".join(parts)


def _claims(about: StudyFile | None, runs: Sequence[Run]) -> list[str]:
    found = claims_sections(judged(arms(runs), about.claims)) if about else []
    return ["## What is claimed\n", *map(section_markdown, found)] if found else []


def _settings(study: Path, about: StudyFile | None) -> list[str]:
    file = study / CONFIG
    if not file.is_file():
        return []
    settings = file.read_text(encoding="utf-8", errors="replace").rstrip("\n")
    parts = ["## Command\n"]
    if about:
        parts.append(fenced(f"{about.command} --config {CONFIG}", "sh"))
    parts.append(f"All settings, as `{CONFIG}` in the study's folder has them:\n")
    return [*parts, fenced(settings, "yaml")]


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


def _arms(about: StudyFile | None, runs: Sequence[Run]) -> str:
    starts = about.starts if about else {}
    rows = []
    for arm, pool in arms(runs).items():
        start = starts.get(arm) or ("the study's model" if arm in starts else NONE)
        supervision = dict.fromkeys(str(run.supervision or NONE) for run in pool)
        done = sum(run.status == COMPLETE for run in pool)
        steps = dict.fromkeys(str(_steps(run)) for run in pool)
        rows.append((arm, start, *map(", ".join, (supervision, steps)), f"{done} of {len(pool)}"))
    return markdown(("arm", "starts from", "supervision", "steps", "complete"), rows, 3)


def _steps(run: Run) -> int | str:
    """Updates that were made; a number of epochs becomes one when the data set is there."""
    return run.records[-1].step if run.records else NONE


def _eval_sets(eval_sets: Iterable[EvalSet]) -> str:
    rows: dict[tuple[str, ...], list[int]] = {}
    for each in eval_sets:
        row = (each.group, each.split, str(len(each.keys)), str(min(each.samples)))
        rows.setdefault(row, []).append(each.level)
    header = ("group", "levels", "split", "problems per level", "samples per problem")
    return markdown(header, [(row[0], spans(levels), *row[1:]) for row, levels in rows.items()], 3)


def _time(about: StudyFile | None, runs: Sequence[Run]) -> str:
    """Seconds of training by arm and seed."""
    seeds = sorted({run.seed for run in runs})
    spent = {(run.arm, run.seed): run.spent("seconds") for run in runs}
    rows = [(arm, *(_seconds(spent.get((arm, seed))) for seed in seeds)) for arm in arms(runs)]
    total = sum(seconds for seconds in spent.values() if seconds)
    lines = [markdown(("seconds of training", *(f"seed {seed}" for seed in seeds)), rows, 1)]
    lines.append(f"{total:,.0f} seconds in all, evaluation not counted.\n")
    if about and about.minutes:
        lines.append(f"The recipe expects {about.minutes:g} minutes per seed on two CPU cores.\n")
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def _versions(runs: Sequence[Run], manifests: Sequence[Manifest]) -> str:
    """Commits, versions and platforms, each with the runs that it holds for."""
    facts: dict[tuple[str, str], list[str]] = {}
    for run, manifest in zip(runs, manifests, strict=True):
        for fact in _facts(manifest):
            facts.setdefault(fact, []).append(f"{run.arm} {run.seed}")
    rows = [
        (what, value, "all" if len(made) == len(runs) else ", ".join(made))
        for (what, value), made in sorted(facts.items(), key=lambda fact: fact[0][0] != "commit")
    ]
    return markdown(("what", "version", "runs"), rows)


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    git = manifest.get("git") or {}
    commit = str(git.get("commit") or "unknown") + (" with changes" if git.get("changed") else "")
    versions = {"python": manifest.get("python"), **(manifest.get("versions") or {})}
    versions["platform"] = manifest.get("platform")
    return [("commit", commit), *((name, str(version)) for name, version in versions.items())]


def _link(page: Path, figure: Path) -> str:
    relative = Path(os.path.relpath(figure, page.parent)).as_posix()
    words = figure.stem.replace("_", " ")
    return f"![{escape(words)}]({quote(relative)})\n"
