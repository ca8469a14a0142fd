"""Means of what was logged."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from rlskills.report.logged import mean_of
from rlskills.report.run import Record, Run


def run(*values: float | None) -> Run:
    records = tuple(
        Record(i, {"rollouts": 1.0 * i}, {} if value is None else {"share": value})
        for i, value in enumerate(values)
    )
    return Run(Path(), "a", 0, records=records)


def test_the_mean_is_over_the_updates_that_logged():
    assert mean_of(run(None, 0.25, None, 0.75), "share") == pytest.approx(0.5)
    assert math.isnan(mean_of(run(None), "share"))
