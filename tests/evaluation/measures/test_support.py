"""Compression, gain and support."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.evaluation.measures.counts import counts
from rlskills.evaluation.measures.support import (
    changes,
    expected_by_chance,
    gain_split,
    newly_solved,
    rates,
    support,
    transitions,
)

pairs = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=10)


def test_states_before_and_after():
    before, after = counts(8, [0, 0, 1, 3, 4, 8, 8]), counts(8, [0, 2, 5, 0, 8, 3, 0])
    table = transitions(before, after)
    assert table.tolist() == [[1, 1, 0], [1, 0, 1], [1, 1, 1]]
    assert changes(table) == {"compression": 1, "gain": 1, "erosion": 1, "loss": 2}
    assert np.array_equal(transitions(after, before), table.T)


def test_split_depends_on_the_samples():
    base, arm = counts(8, [0, 1, 4]), counts(8, [4, 4, 4])
    one, four, all_of_them = gain_split(base, arm, (1, 4, 8))
    # A problem with 1 of 8 is unsolved by 1 sample with 7/8, by 4 with 1/2, by 8 never.
    assert one.unsolved.mean == pytest.approx((0.5 + 0.5 * 7 / 8 + 0.5 / 2) / 3)
    assert four.unsolved.mean == pytest.approx((0.5 + 0.5 / 2 + 0.5 / 70) / 3)
    assert all_of_them.unsolved.mean == pytest.approx(0.5 / 3)
    assert all_of_them.solved.mean == pytest.approx((4 - 1) / 8 / 3)


@settings(max_examples=15, deadline=None)
@given(pairs)
def test_parts_add_up_and_the_new_one_falls_with_n(table: list[tuple[int, int]]):
    base, arm = (counts(12, column) for column in zip(*table, strict=True))
    splits = gain_split(base, arm, (1, 3, 12))
    total = float((arm.rates - base.rates).mean())
    assert [s.solved.mean + s.unsolved.mean for s in splits] == pytest.approx([total] * 3)
    new = [s.unsolved.mean for s in splits]
    assert new == sorted(new, reverse=True)
    assert all(s.unsolved.low <= s.unsolved.mean <= s.unsolved.high for s in splits)


def test_split_weighs_by_the_mass_at_zero():
    base, arm = counts(8, [0, 0]), counts(8, [4, 4])
    half = gain_split(base, arm, [8], never=np.array([0.5, 0.5]))[0]
    assert half.unsolved.mean == pytest.approx(0.25)
    assert half.solved.mean == pytest.approx(0.25)


def test_which_problems_are_new():
    def p(right: int, problems: int) -> float:
        arm = counts(1024, [right] + [0] * (problems - 1))
        return float(newly_solved(counts(1024, [0] * problems), arm)[0])

    assert p(6, 1) == pytest.approx(0.0155, abs=5e-5)
    assert p(12, 256) == pytest.approx(0.0605, abs=5e-5)
    assert p(13, 256) == pytest.approx(0.0301, abs=5e-5)


def test_rates_of_a_published_table():
    found = rates(2388, 48, 175)
    assert found == {
        "SRR": pytest.approx(0.931721, abs=1e-6),
        "NDR": pytest.approx(0.019704, abs=1e-6),
        "SDS": pytest.approx(0.038593, abs=1e-6),
        "NSCR": pytest.approx(-0.048640, abs=1e-6),
    }
    assert np.isnan(rates(0, 0, 0)["SRR"])
    assert rates(0, 0, 5)["SRR"] == 0
    with pytest.raises(UserError, match="0 or more"):
        rates(1, -1, 0)


def test_what_chance_alone_gains():
    assert expected_by_chance(np.array([0.001]), 1024) == pytest.approx(0.230110, abs=1e-6)
    worst = 1 - 2 ** (-1 / 1024)
    assert worst == pytest.approx(0.000677, abs=1e-6)
    assert expected_by_chance(np.array([worst]), 1024) == pytest.approx(0.25)
    known = np.repeat([0.0, 0.001, 0.2], [100, 56, 100])
    assert expected_by_chance(known, 1024) == pytest.approx(12.89, abs=0.005)


def test_support_by_hand():
    base, arm = counts(4, [0, 4, 1]), counts(4, [4, 0, 0])
    found = support(base, arm)
    assert found.size == 2
    # The third: two of four samples hold its only success with 1/2; by chance it looks new to the
    # other half with 1/2.
    assert found.expanded == pytest.approx(1)
    assert found.shrunk == pytest.approx(1.5)
    assert found.outside == pytest.approx(0.5)
    assert found.preserved == pytest.approx(0)
    assert found.chance == pytest.approx(0.5)
    assert found.gained.mean == pytest.approx(0.5)
    assert found.lost.mean == pytest.approx(1)


@settings(max_examples=15, deadline=None)
@given(pairs)
def test_support_counts_every_problem_once(table: list[tuple[int, int]]):
    base, arm = (counts(12, column) for column in zip(*table, strict=True))
    found = support(base, arm, 6)
    whole = found.preserved + found.shrunk + found.expanded + found.outside
    assert whole == pytest.approx(len(table))
    turned = support(counts(12, base.c[::-1]), counts(12, arm.c[::-1]), 6)
    assert turned.gained.mean == pytest.approx(found.gained.mean)


def test_nothing_is_gained_between_two_runs_of_one_model():
    generator = np.random.default_rng(0)
    p = np.repeat([0.0, 0.02, 0.3], [50, 100, 50])
    gained, lost, plain = [], [], []
    for _ in range(16):
        base, arm = (counts(64, generator.binomial(64, p)) for _ in range(2))
        found = support(base, arm, seed=1)
        gained.append(found.gained.mean)
        lost.append(found.lost.mean)
        plain.append(found.expanded)
    error = np.std(gained) / np.sqrt(16)
    assert abs(np.mean(gained)) < 3 * error
    assert abs(np.mean(lost)) < 3 * np.std(lost) / np.sqrt(16)
    # Without the null the same model would seem to have learned as many problems as these.
    assert np.mean(plain) == pytest.approx(expected_by_chance(p, 32), rel=0.05)
    assert np.mean(plain) > 20


def test_more_samples_than_there_are_is_refused():
    with pytest.raises(UserError, match="twice as many of the base"):
        support(counts(8, [1]), counts(8, [1]), 5)
    with pytest.raises(UserError, match="cannot be paired"):
        transitions(counts(8, [1]), counts(8, [1, 2]))
    with pytest.raises(UserError, match="between 0 and 1"):
        transitions(counts(8, [1]), counts(8, [1]), solid=2)
