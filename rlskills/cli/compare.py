"""`rlskills compare`: tables and figures of run folders, side by side."""

from __future__ import annotations

from pathlib import Path

import tyro

from ..console import Console
from ..errors import UnknownName
from ..report.comparison import compare
from ..report.render import to_json
from ..report.write import write_report
from ..runs.budget import BUDGETS


def compare_runs(
    runs: tyro.conf.Positional[tuple[Path, ...]],
    /,
    output: Path | None = None,
    axis: str = "samples",
    json: bool = False,
    same_code: bool = False,
    html: Path | None = None,
) -> None:
    """Compare runs: accuracy by level and arm with intervals, difference to the base model,
    budgets, where one arm passes another, and figures.

    Args:
        runs: Run folders, or folders that hold run folders at any depth.
        output: Folder for the figures and for comparison.md; default: the first of the runs.
        axis: Budget on the figures' x axis: samples, rollouts, generated_tokens, trained_tokens
            or seconds.
        json: Print one JSON object instead of tables.
        same_code: Compare runs that were graded by two versions of one file (file.py:Class); to be
            said only where both grade alike.
        html: Write the page with interactive figures to this file, too; needs the extra `html`.
    """
    if axis not in BUDGETS:
        raise UnknownName("budget", axis, BUDGETS)
    if json:
        print(to_json(compare(runs, same_code)))
        return
    write_report(runs, output or runs[0], Console(), axis, same_code, html=html)
