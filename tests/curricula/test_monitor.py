"""What is logged about a teacher is what it did."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.curricula import Choice, Mixture, Outcome
from rlskills.curricula.monitor import HOPELESS, CurriculumMonitor
from rlskills.training.stream import Source, TaskStream

from ..training.small import Bits

ROWS = {"a1": ("L1", "skill/a"), "a2": ("L2", "skill/a"), "coin": ("L1",)}


def outcome(unit: str, *rewards: float) -> Outcome:
    return Outcome(Choice(unit), rewards, 0)


def test_probabilities_are_summed_by_row():
    found = CurriculumMonitor(ROWS).metrics({"a1": 0.5, "a2": 0.2, "coin": 0.3})
    assert found["probability/L1"] == pytest.approx(0.8)
    assert found["probability/L2"] == pytest.approx(0.2)
    assert found["probability/skill/a"] == pytest.approx(0.7)


def test_competence_and_progress_follow_the_outcomes():
    monitor = CurriculumMonitor(ROWS)
    monitor.observe([outcome("a1", 0.0, 0.0)])
    assert monitor.metrics({})["competence/skill/a"] == 0.0
    monitor.observe([outcome("a1", 1.0, 1.0)])
    found = monitor.metrics({})
    assert found["competence/skill/a"] == pytest.approx(0.3)
    assert found["progress/skill/a"] == pytest.approx(0.3 - 0.09)
    assert "competence/L2" not in found  # never seen: nothing is claimed


def test_trend_uncertainty_and_gain_by_hand():
    monitor = CurriculumMonitor(ROWS)
    monitor.observe([outcome("a1", 1.0, 0.0), outcome("a2", 1.0, 1.0)])
    found = monitor.metrics({})
    assert found["gain/L1"] == 1.0  # two answers, one right: |A| is 1
    assert found["gain/skill/a"] == 0.5
    assert found["trend/L1"] == 0.0
    assert found["uncertainty/L1"] == pytest.approx((0.3 / 1.7 * 0.25) ** 0.5)
    monitor.observe([outcome("a1", 0.0, 0.0)])
    found = monitor.metrics({})
    # 1/2 to .35, the slow average to .455; the pass rate fell 1/2 from what was known
    assert found["trend/L1"] == pytest.approx(0.35 - 0.455)
    assert found["progress/L1"] == pytest.approx(0.455 - 0.35)
    assert found["gain/L1"] == pytest.approx(0.7)
    assert found["uncertainty/L1"] == pytest.approx((0.3 / 1.7 * 0.25) ** 0.5)


def test_what_is_certain_has_little_uncertainty_and_no_gain():
    monitor = CurriculumMonitor(ROWS)
    for step in range(30):
        monitor.observe(
            [outcome("a2", 1.0, 1.0), outcome("coin", *((1.0,) if step % 2 else (0.0,)))]
        )
    found = monitor.metrics({})
    assert found["uncertainty/L2"] < 0.01 < 0.1 < found["uncertainty/L1"]
    assert found["gain/L2"] == found["gain/L1"] == 0.0


def test_shares_say_where_the_rollouts_went():
    monitor = CurriculumMonitor(ROWS)
    for _ in range(HOPELESS):
        monitor.observe([outcome("a2", 0.0, 0.0)])
    monitor.observe([outcome("coin", 1.0, 1.0)])
    monitor.observe([outcome("a2", 0.0, 0.0), outcome("coin", 0.0, 1.0)])
    shares = {name: value for name, value in monitor.metrics({}).items() if "share" in name}
    assert shares == {
        "share/zero_variance": 0.5, "share/mastered": 0.5, "share/out_of_reach": 0.5,
        "share/L1": 0.5, "share/L2": 0.5, "share/skill/a": 0.5,
    }  # fmt: skip


def test_a_round_in_which_nothing_was_graded_has_no_shares():
    monitor = CurriculumMonitor(ROWS)
    monitor.observe([])
    assert monitor.metrics({"a1": 1.0})["probability/L1"] == 1.0
    assert not any("share" in name for name in monitor.metrics({}))
    monitor.observe([outcome("a1"), outcome("coin")])  # groups whose gradings all failed
    assert not any("share" in name for name in monitor.metrics({}))
    monitor.observe([outcome("a1", 1.0, 0.0), outcome("coin")])
    assert monitor.metrics({})["share/skill/a"] == 1.0
    monitor.observe([])
    assert monitor.metrics({})["competence/L1"] == 0.5, "what was known stays"
    assert not any("share" in name for name in monitor.metrics({}))


def test_zero_variance_is_counted_by_rewards():
    monitor = CurriculumMonitor(ROWS)
    wrong = Outcome(Choice("a1"), (0.0, 0.0), 0, rewards=(0.0, -1.0))
    monitor.observe([wrong, outcome("a2", 0.0, 0.0)])
    assert monitor.metrics({})["share/zero_variance"] == 0.5


@given(st.lists(st.tuples(st.sampled_from(sorted(ROWS)), st.lists(st.booleans(), min_size=1))))
def test_state_through_json_goes_on(groups: list[tuple[str, list[bool]]]):
    teacher = CurriculumMonitor(ROWS)
    for unit, rights in groups:
        teacher.observe([outcome(unit, *map(float, rights))])
    two = CurriculumMonitor(ROWS)
    two.load_state_dict(json.loads(json.dumps(teacher.state_dict())))
    assert two.metrics({}) == teacher.metrics({})
    teacher.observe([outcome("a1", 1.0)])
    two.observe([outcome("a1", 1.0)])
    assert two.metrics({}) == teacher.metrics({})


def test_a_stream_reports_by_level_skill_and_kind():
    sources = {
        "copy1@L1": Source(Bits(), "train", 1, skill="copy1"),
        "luck": Source(Bits(), "train", 2, kind="coin"),
    }
    stream = TaskStream(sources, Mixture(list(sources), 0))
    stream.observe([Outcome(drawn.choice, (0.0, 1.0), 0) for drawn in stream.draw(8)])
    found = stream.metrics()
    assert found["probability/skill/copy1"] == found["probability/kind/coin"] == 0.5
    assert found["share/skill/copy1"] + found["share/kind/coin"] == 1
