"""Means over a whole run of what it logged at every update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .reading import Run, load_runs


def mean_of(run: Run, tag: str) -> float:
    """Mean of a logged value over the updates that logged it; NaN if none did."""
    values = [record.metrics[tag] for record in run.records if tag in record.metrics]
    return float(np.mean(values)) if values else float("nan")


def means_table(arms: Mapping[str, Sequence[Path]], columns: Mapping[str, str]) -> str:
    """Markdown: the mean over updates and runs of each of the tags `columns` (title to tag).

    `arms` has the run folders of each arm.
    """
    lines = [
        "| arm |" + "".join(f" {title} |" for title in columns),
        "|---" * len(columns) + "|---|",
    ]
    for arm, places in arms.items():
        runs = load_runs(places)
        means = [np.mean([mean_of(run, tag) for run in runs]) for tag in columns.values()]
        lines.append(f"| {arm} |" + "".join(f" {mean:.2f} |" for mean in means))
    return "\n".join(lines) + "\n"
