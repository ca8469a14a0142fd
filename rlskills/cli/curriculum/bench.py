"""`rlskills curriculum bench`: curricula against each other on a simulated learner."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import tyro
from rich.table import Table as RichTable

from ...console import Console, progress
from ...errors import UserError
from ...simulation.jobs import JobResult, jobs_of, run_jobs
from ...simulation.methods import DEFAULT, chosen, find_regimes
from ...simulation.pictures import draw
from ...simulation.ranking import Score, score
from ...simulation.report import is_box, label, order, to_csv, to_json, to_markdown


def curriculum_bench(
    specs: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    regimes: tuple[str, ...] = (),
    seeds: int = 20,
    first_seed: int = 0,
    output: Path = Path("curriculum_bench"),
    jobs: int = 2,
) -> None:
    """Run curricula on a simulated learner: rollouts to mastery against uniform, with intervals.

    Finished jobs stay in the output folder and are not run again, unless the method's version or
    options (or its own file), the regime or the seeds have changed.

    Args:
        specs: Methods: names, or path/to/file.py:Class, options after a question mark; they run
            beside uniform, the default and the oracle. None: the whole catalogue.
        regimes: Regimes to run, by name or as files of `rlskills curriculum fit`; none: all.
        seeds: Worlds for each regime, the same for every method.
        first_seed: The first of them.
        output: Folder for results.json, results.csv, results.md, plots, and finished jobs.
        jobs: Processes.
    """
    if seeds < 2 or jobs < 1 or first_seed < 0:
        raise UserError("--seeds must be at least 2, --jobs at least 1, --first-seed at least 0")
    console = Console()
    methods = chosen(specs)
    planned = jobs_of(methods, find_regimes(regimes), range(first_seed, first_seed + seeds), output)
    for method in methods:
        if method.needs:
            needs = ", ".join(method.needs)
            console.print(f"not run: {method.spec} needs {needs}, which a simulation does not have")
    start = time.perf_counter()
    with progress("bench", len(planned), 0, console) as advance:
        results = run_jobs(planned, jobs, advance)
    table = tabulate(results)
    _print(table, console)
    for file in write(table, output):
        console.print(f"written: {file}", highlight=False, soft_wrap=True)
    console.print(f"{len(results)} jobs, {time.perf_counter() - start:.0f} s", highlight=False)


def tabulate(results: Sequence[JobResult]) -> dict[str, dict[str, Score]]:
    """Scores by regime and method."""
    regimes = dict.fromkeys(result.regime.name for result in results)
    table = {}
    for name in regimes:
        scores = score([result for result in results if result.regime.name == name])
        table[name] = {item.cell.method.spec: item for item in scores}
    return table


def write(table: dict[str, dict[str, Score]], output: Path) -> list[Path]:
    """Results as JSON, CSV, Markdown and plots; the files written."""
    texts = {
        "results.json": to_json(table),
        "results.csv": to_csv(table),
        "results.md": to_markdown(table, DEFAULT),
    }
    output.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (output / name).write_text(text)
    return [*(output / name for name in texts), *draw(table, DEFAULT, output)]


WIDE = 6
"""Regimes per printed table, so that it fits 80 columns."""


def _print(table: dict[str, dict[str, Score]], console: Console) -> None:
    for title, part in (("units", _part(table, False)), ("boxes", _part(table, True))):
        names = list(part)
        for first in range(0, len(names), WIDE):
            console.print(_gains(title, part, names[first : first + WIDE]))
    console.print("* first or tied among methods of the same information", highlight=False)


def _gains(title: str, part: dict[str, dict[str, Score]], names: Sequence[str]) -> RichTable:
    table = RichTable(title=f"{title}: gain over uniform", title_justify="left", box=None)
    table.add_column("method", overflow="fold", min_width=20)
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for spec in order(part):
        scores = [part[name].get(spec) for name in names]
        table.add_row(label(spec), *(_entry(item) if item else "" for item in scores))
    return table


def _part(table: dict[str, dict[str, Score]], box: bool) -> dict[str, dict[str, Score]]:
    return {name: scores for name, scores in table.items() if is_box(scores) == box}


def _entry(item: Score) -> str:
    return f"{item.gain.mean:.2f}{'*' if item.first else ' '}"
