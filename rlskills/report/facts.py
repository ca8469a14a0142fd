"""What a study was made of, as tables: arms, eval sets, time, versions."""

from __future__ import annotations

from collections.abc import Iterable

from ..runs.tags import spans
from .comparison import COMPLETE
from .run import EvalSet, Run, arms
from .section import NONE, Section
from .study import Manifest, Study


def arms_section(study: Study) -> Section:
    """What each arm starts from, was shown, and how much of it is complete."""
    starts = study.about.starts if study.about else {}
    rows = []
    for arm, pool in arms(study.runs).items():
        start = starts.get(arm) or ("the study's model" if arm in starts else NONE)
        supervision = dict.fromkeys(str(run.supervision or NONE) for run in pool)
        done = sum(run.status == COMPLETE for run in pool)
        steps = dict.fromkeys(str(_steps(run)) for run in pool)
        rows.append((arm, start, *map(", ".join, (supervision, steps)), f"{done} of {len(pool)}"))
    return Section(
        "Arms", ("arm", "starts from", "supervision", "steps", "complete"), tuple(rows), 3
    )


def _steps(run: Run) -> int | str:
    """Updates that were made; a number of epochs becomes one when the data set is there."""
    return run.records[-1].step if run.records else NONE


def eval_sets_section(eval_sets: Iterable[EvalSet]) -> Section:
    """A row for the levels of a group that are alike."""
    rows: dict[tuple[str, ...], list[int]] = {}
    for each in eval_sets:
        row = (each.group, each.split, str(len(each.keys)), str(min(each.samples)))
        rows.setdefault(row, []).append(each.level)
    header = ("group", "levels", "split", "problems per level", "samples per problem")
    made = tuple((row[0], spans(levels), *row[1:]) for row, levels in rows.items())
    return Section("Eval sets", header, made, 3)


def time_section(study: Study) -> Section:
    """Seconds of training by arm and seed."""
    seeds = sorted({run.seed for run in study.runs})
    spent = {(run.arm, run.seed): run.spent("seconds") for run in study.runs}
    rows = tuple(
        (arm, *(_seconds(spent.get((arm, seed))) for seed in seeds)) for arm in arms(study.runs)
    )
    total = sum(seconds for seconds in spent.values() if seconds)
    lines = [f"{total:,.0f} seconds in all, evaluation not counted."]
    if study.about and study.about.minutes:
        minutes = f"{study.about.minutes:g}"
        lines.append(f"The recipe expects {minutes} minutes per seed on two CPU cores.")
    header = ("seconds of training", *(f"seed {seed}" for seed in seeds))
    return Section("How long it takes", header, rows, 1, tuple(lines))


def _seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def versions_section(study: Study) -> Section:
    """Commits, versions and platforms, each with the runs that it holds for."""
    facts: dict[tuple[str, str], list[str]] = {}
    for run, manifest in zip(study.runs, study.manifests, strict=True):
        for fact in _facts(manifest):
            facts.setdefault(fact, []).append(f"{run.arm} {run.seed}")
    rows = tuple(
        (what, value, "all" if len(made) == len(study.runs) else ", ".join(made))
        for (what, value), made in sorted(facts.items(), key=lambda fact: fact[0][0] != "commit")
    )
    return Section("Made with", ("what", "version", "runs"), rows, 3)


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    git = manifest.get("git") or {}
    commit = str(git.get("commit") or "unknown") + (" with changes" if git.get("changed") else "")
    versions = {"python": manifest.get("python"), **(manifest.get("versions") or {})}
    versions["platform"] = manifest.get("platform")
    return [("commit", commit), *((name, str(version)) for name, version in versions.items())]
