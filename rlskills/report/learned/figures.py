"""The pictures of what was learned, as far as the records allow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..run import Run, arms
from .bars import plot_failures
from .pass_curves import plot_pass_at_k


def learned_figures(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Write them to `folder`; returns the files."""
    pools = arms(runs)
    drawn = [plot_failures(pools, folder), plot_pass_at_k(pools, folder)]
    return [file for file in drawn if file is not None]
