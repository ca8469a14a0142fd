"""`rlskills curriculum bench`: curricula against each other on a simulated learner."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table as RichTable

from ...console import progress
from ...errors import UserError
from ...simulation.jobs import Cell, jobs_of, play_all
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

    What is finished is kept in the output folder and not run again, unless the method, its
    options, the seeds or the code it rests on have changed.

    Args:
        specs: Methods: names, or path/to/file.py:Class, options after a question mark; they run
            beside uniform, the default and the oracle. None: the whole catalogue.
        regimes: Regimes to run; none: all.
        seeds: Worlds for each regime, the same for every method.
        first_seed: The first of them.
        output: Folder for results.json, results.csv, results.md, plots, and finished cells.
        jobs: Processes.
    """
    if seeds < 2 or jobs < 1 or first_seed < 0:
        raise UserError("--seeds must be at least 2, --jobs at least 1, --first-seed at least 0")
    console = Console()
    methods = chosen(specs)
    planned = jobs_of(methods, find_regimes(regimes), range(first_seed, first_seed + seeds), output)
    for one in methods:
        if one.needs:
            needs = ", ".join(one.needs)
            console.print(f"not run: {one.spec} needs {needs}, which a simulation does not have")
    start = time.perf_counter()
    with progress("bench", len(planned), 0, console) as advance:
        cells = play_all(planned, jobs, advance)
    table = tabulate(cells)
    _print(table, console)
    for file in write(table, output):
        console.print(f"written: {file}", highlight=False, soft_wrap=True)
    console.print(f"{len(cells)} cells, {time.perf_counter() - start:.0f} s", highlight=False)


def tabulate(cells: Sequence[Cell]) -> dict[str, dict[str, Score]]:
    """Scores by regime and method."""
    regimes = dict.fromkeys(cell.regime.name for cell in cells)
    table = {}
    for name in regimes:
        scores = score([cell for cell in cells if cell.regime.name == name])
        table[name] = {one.cell.method.spec: one for one in scores}
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


def _print(table: dict[str, dict[str, Score]], console: Console) -> None:
    for title, part in (("units", _part(table, False)), ("boxes", _part(table, True))):
        if not part:
            continue
        heads = [name.replace("_", " ") for name in part]
        shown = RichTable("method", *heads, title=f"{title}: gain over uniform", box=None)
        for spec in order(part):
            found = [scores.get(spec) for scores in part.values()]
            shown.add_row(label(spec), *(_entry(one) if one else "" for one in found))
        console.print(shown)
    console.print("* first or tied among methods of the same information", highlight=False)


def _part(table: dict[str, dict[str, Score]], box: bool) -> dict[str, dict[str, Score]]:
    return {name: scores for name, scores in table.items() if is_box(scores) == box}


def _entry(one: Score) -> str:
    return f"{one.gain.mean:.2f}{'*' if one.first else ''}"
