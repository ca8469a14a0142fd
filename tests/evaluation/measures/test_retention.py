"""Retention and transfer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.evaluation.measures.retention import (
    at_matched,
    forgets_nothing,
    relative,
    retention,
)

TABLE = [[0.9, 0.2, 0.1], [0.8, 0.85, 0.15], [0.6, 0.8, 0.95]]


def test_numbers_by_hand():
    found = retention(TABLE, [0.1, 0.1, 0.1])
    assert found.accuracy == pytest.approx(0.783333, abs=1e-6)
    assert found.backward == pytest.approx(-0.175)
    assert found.forward == pytest.approx(0.075)
    assert found.forgetting == pytest.approx(0.175)
    assert retention(TABLE, 0.1) == found


def test_a_task_that_was_better_later_is_forgotten_from_there():
    table = [[0.5, 0.0, 0.0], [0.9, 0.5, 0.0], [0.7, 0.5, 0.5]]
    found = retention(table, 0.0)
    assert found.backward == pytest.approx(0.1)
    assert found.forgetting == pytest.approx(0.1)


@given(st.integers(2, 5), st.floats(0, 1))
def test_nothing_changes_where_nothing_changes(size: int, value: float):
    found = retention(np.full((size, size), value), value)
    assert (found.backward, found.forward, found.forgetting) == (0, 0, 0)
    assert found.accuracy == pytest.approx(value)


def test_forgets_nothing_is_shown_not_missed():
    before = [0.90, 0.91, 0.92, 0.90, 0.93]
    kept = [0.890, 0.914, 0.914, 0.902, 0.925]
    found = forgets_nothing(kept, before)
    assert found.p == pytest.approx(0.001429, abs=1e-6)
    assert found.equivalent
    # A mean of half the margin, not significant, and still no proof.
    noisy = [0.80, 0.98, 0.85, 0.96, 0.92]
    assert not forgets_nothing(noisy, before).equivalent


def test_old_accuracy_at_the_same_new_accuracy():
    new, old = [0.1, 0.3, 0.7, 0.6], [0.9, 0.8, 0.4, 0.3]
    assert at_matched(new, old, 0.5) == pytest.approx(0.6)
    assert at_matched(new, old, 0.05) == 0.9
    assert at_matched(new, old, 0.7) == pytest.approx(0.4)
    assert np.isnan(at_matched(new, old, 0.8))


def test_relative_to_the_own_stage():
    found = relative(TABLE)
    assert found[2] == pytest.approx([0.6 / 0.9, 0.8 / 0.85, 1])
    assert np.isnan(found[0, 1:]).all()
    assert np.isnan(relative([[0.0, 0.1], [0.5, 0.5]])[:, 0]).all()


@pytest.mark.parametrize(
    ("table", "before", "why"),
    [
        ([[0.5, 0.5]], 0.1, "a stage for each task"),
        ([[0.5]], 0.1, "two or more"),
        ([[0.5, float("nan")], [0.5, 0.5]], 0.1, "between 0 and 1"),
        ([[0.5, 0.5], [0.5, 1.5]], 0.1, "between 0 and 1"),
        ([[0.5, 0.5], [0.5, 0.5]], [0.1, 0.1, 0.1], "a stage for each task"),
    ],
)
def test_impossible_tables_are_refused(table: list, before: float, why: str):
    with pytest.raises(UserError, match=why):
        retention(table, before)


def test_other_seeds_are_refused():
    with pytest.raises(UserError, match="the same seeds"):
        forgets_nothing([0.5, 0.5], [0.5])
    with pytest.raises(UserError, match="the same evaluations"):
        at_matched([0.5], [0.5, 0.6], 0.5)
