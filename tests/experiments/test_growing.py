"""Learning curves as lines that grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.experiments.growing import BLOCKS, GrowingCurves, sparkline


def test_every_evaluation_is_a_line_and_its_curve_grows():
    curves = GrowingCurves()
    first = {"eval/train/L1/greedy": 0.5, "eval/train/L10/greedy": 0.0, "eval/new/L2/greedy": 0.0}
    assert curves.line(first | {"train/loss": 3.0}) == "train .50 .00 ▃  new .00 ▁"
    then = {"eval/train/L10/greedy": 1.0, "eval/train/L1/greedy": 1.0, "eval/new/L2/greedy": 0.5}
    assert curves.line(then) == "train 1.0 1.0 ▃█  new .50 ▁▅"


def test_what_is_no_accuracy_is_no_line():
    assert GrowingCurves().line({"train/loss": 3.0}) == ""


@given(st.lists(st.floats(0, 1)))
def test_higher_values_have_higher_bars(values: list[float]):
    heights = [BLOCKS.index(bar) for bar in sparkline(values)]
    assert len(heights) == len(values)
    assert [heights[i] for i in sorted(range(len(values)), key=values.__getitem__)] == sorted(
        heights
    )


@pytest.mark.parametrize(("value", "bar"), [(0.0, "▁"), (0.124, "▁"), (0.125, "▂"), (1.0, "█")])
def test_bars_are_eighths(value: float, bar: str):
    assert sparkline([value]) == bar
