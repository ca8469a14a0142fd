"""`rlskills compare`: tables and plots of run folders, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from ..errors import UnknownName
from ..report.compare import compare, print_comparison, to_json, to_markdown
from ..report.figures import plot_curves, plot_levels
from ..report.reading import BASE, load_runs
from ..runs.metrics import AXES


def compare_runs(
    runs: tyro.conf.Positional[tuple[Path, ...]],
    /,
    output: Path | None = None,
    axis: str = "samples",
    json: bool = False,
) -> None:
    """Compare runs: accuracy by level and arm with intervals, difference to the base model,
    budgets, where one arm passes another, and plots.

    Args:
        runs: Run folders, or folders that hold run folders at any depth.
        output: Folder for the plots and for comparison.md; default: the first of the runs.
        axis: Budget on the plots' x axis: samples, rollouts, generated_tokens, trained_tokens
            or seconds.
        json: Print one JSON object instead of tables.
    """
    if axis not in AXES:
        raise UnknownName("budget", axis, AXES)
    if json:
        print(to_json(compare(runs)))
        return
    report(runs, output or runs[0], Console(), axis)


def report(
    runs: Annotated[tuple[Path, ...], "run folders"], output: Path, console: Console, axis: str
) -> None:
    """Print the comparison of `runs`, and write it to `output` with its plots."""
    comparison = compare(runs)
    print_comparison(comparison, console)
    output.mkdir(parents=True, exist_ok=True)
    page = output / "comparison.md"
    page.write_text(to_markdown(comparison))
    plots = [plot_levels(comparison, output)]
    # The base, and a model that was only measured, have no curve to draw.
    loaded = load_runs(runs)
    if any(run.records for run in loaded if run.arm != BASE):
        plots.append(plot_curves(loaded, axis, output))
    for file in (page, *plots):
        console.print(f"written: {file}", highlight=False, soft_wrap=True)
    for run in runs:
        console.print(f"curves: tensorboard --logdir {run}", highlight=False, soft_wrap=True)
