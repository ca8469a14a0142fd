"""Means over a whole run of what it logged at every update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..tables import markdown
from .reading import load_runs
from .run import Run


def mean_of(run: Run, tag: str) -> float:
    """Mean of a logged value over the updates that logged it; NaN if none did."""
    values = [record.metrics[tag] for record in run.records if tag in record.metrics]
    return float(np.mean(values)) if values else float("nan")


def means_table(arms: Mapping[str, Sequence[Path]], columns: Mapping[str, str]) -> str:
    """Markdown: the mean over updates and runs of each of the tags `columns` (title to tag).

    `arms` has the run folders of each arm.
    """
    rows = []
    for arm, folders in arms.items():
        runs = load_runs(folders)
        means = [np.mean([mean_of(run, tag) for run in runs]) for tag in columns.values()]
        rows.append((arm, *(f"{mean:.2f}" for mean in means)))
    return markdown(("arm", *columns), rows, numbers_from=1)
