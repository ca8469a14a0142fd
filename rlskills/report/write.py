"""The report of a study: tables on the terminal, a page and figures in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..runs.folder import BASE
from ..runs.study_file import read_study_file
from .brief import Highlight, brief
from .claims import judged, verdicts_section
from .comparison import Comparison, build
from .curves import plot_curves
from .html.page import write_html
from .learned.figures import learned_figures
from .levels import plot_levels
from .reading import load_runs
from .render import print_comparison, print_section, print_sections, to_markdown
from .run import Run, arms
from .section import Section

if TYPE_CHECKING:
    from ..console import Console


def write_report(
    runs: Sequence[Path],
    output: Path,
    console: Console,
    axis: str = "samples",
    same_code: bool = False,
    highlights: Sequence[Highlight] = (),
    html: Path | None = None,
) -> list[Path]:
    """Print the comparison of `runs`, write it to `output` with its figures; returns the files.

    With `highlights`, what is printed fits one screen: a table, and a sentence for each of them.

    Args:
        runs: Run folders, or folders that hold run folders at any depth.
        output: Folder for `comparison.md`, `levels_greedy.png`, `curves_<axis>.png` and, where the
            records have what they need, `failures.png` and `pass_at_k.png`.
        console: Where to print.
        axis: Budget on the x axis of the curves.
        same_code: Take two versions of one file as grading alike.
        html: The HTML page, if it is wanted.
    """
    notes: list[str] = []
    loaded = load_runs(runs, notes, same_code)
    comparison = build(loaded, notes)
    if highlights:
        print_sections(comparison, [brief(comparison, highlights)], console)
    else:
        print_comparison(comparison, console)
    if (claims := _claims(runs, loaded)).rows:
        print_section(claims, console)
    page = output / "comparison.md"
    try:
        output.mkdir(parents=True, exist_ok=True)
        page.write_text(to_markdown(comparison))
        written = [page, *draw_figures(loaded, comparison, output, axis)]
        if html is not None:
            written.append(write_html(html, loaded, comparison))
    except OSError as error:
        written = []
        console.note(f"cannot write {error.filename or page}: {error.strerror}")
    for file in written:
        console.say(f"written: {file}")
    for run in runs:
        console.say(f"curves: tensorboard --logdir {run}")
    return written


def _claims(folders: Sequence[Path], runs: Sequence[Run]) -> Section:
    """The verdicts of a study, if these are the runs of one."""
    about = read_study_file(folders[0]) if len(folders) == 1 else None
    return verdicts_section(judged(arms(runs), about.claims if about else ()))


def draw_figures(
    runs: Sequence[Run], comparison: Comparison, folder: Path, axis: str = "samples"
) -> list[Path]:
    """Draw accuracy by level and, where an arm was trained, against a budget, and what the records
    know of mistakes and samples; returns the files."""
    figures = []
    # Where a grader failed on every problem there is nothing to draw; the tables say so.
    if comparison.measures[0].accuracy:
        figures.append(plot_levels(comparison, folder))
    # The base, and a model that was only measured, have no curve to draw.
    if any(run.records for run in runs if run.arm != BASE):
        figures.append(plot_curves(runs, axis, folder))
    return [*figures, *learned_figures(runs, folder)]
