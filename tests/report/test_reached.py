"""When a run first reached an accuracy, and ratios of that between runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlskills.report.reached import Reached, reached, speedup
from rlskills.report.run import Record, Run


def run(*values: float) -> Run:
    records = tuple(
        Record(i, {"rollouts": 100.0 * i}, {"eval/a/L1/greedy": value})
        for i, value in enumerate(values)
    )
    return Run(Path(), "a", 0, records=records)


@pytest.mark.parametrize(
    ("values", "target", "spent"),
    [
        # Averages of neighbours stand half way between them: .1 at 50, .3 at 150, .5 at 250.
        ((0.0, 0.2, 0.4, 0.6), 0.4, 200.0),
        ((0.0, 0.2, 0.4, 0.6), 0.3, 150.0),
        ((0.5, 0.7), 0.1, 50.0),
        ((0.0, 0.9, 0.0, 0.0), 0.5, None),  # one lucky evaluation is not enough
    ],
)
def test_the_crossing_is_between_averages_of_neighbours(
    values: tuple[float, ...], target: float, spent: float | None
):
    found = reached(run(*values), ["eval/a/L1/greedy"], target)
    assert found.reached == (spent is not None)
    assert found.spent == pytest.approx(100.0 * (len(values) - 1) if spent is None else spent)


def test_a_run_without_curves_has_reached_nothing():
    assert reached(run(), ["eval/a/L1/greedy"], 0.5) == Reached(0.0, False)


def test_speedup_is_the_median_of_paired_ratios():
    fast = [Reached(100.0, True), Reached(50.0, True), Reached(100.0, True)]
    slow = [Reached(200.0, True), Reached(200.0, True), Reached(100.0, False)]
    found = speedup(fast, slow)
    assert found.mean == 2.0
    assert found.low == 1.0
    assert found.high == 4.0
    assert speedup(slow, slow).low == speedup(slow, slow).high == 1.0
