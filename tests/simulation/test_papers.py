"""Papers' small experiments: their models are right, and few seeds show each claim's direction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.cli import main
from rlskills.errors import UnknownName
from rlskills.simulation import REGIMES, Protocol, Regime
from rlskills.simulation.papers import CLAIMS, Claim, Measure, find_claims
from rlskills.simulation.papers.claim import decide, over_seeds, times
from rlskills.simulation.papers.course import (
    MIXED,
    Course,
    Supervised,
    admitted,
    binomial,
    course,
    missing_world,
    mixed_world,
    starting_rates,
)
from rlskills.simulation.papers.page import to_markdown
from rlskills.simulation.papers.self_improvement import FALL, FULL, KNOWN, Adder
from rlskills.simulation.papers.skill_it import RATE, SKILLS, SYMBOLS, Chain, blamed

SEEDS = (0, 1, 2)


# The models.


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.lists(st.integers(0, 5), min_size=SKILLS, max_size=SKILLS))
def test_the_chain_goes_down_its_gradient(seed: int, counts: list[int]):
    """The step in logits against finite differences of the mean loss of the batch."""
    if not any(counts):
        return

    def loss(model: Chain) -> float:
        total, product = 0.0, np.eye(SYMBOLS)
        for matrix, right, count in zip(model.matrices(), model.right, counts, strict=True):
            product = product @ matrix
            total -= count * np.log(product[np.arange(SYMBOLS), right]).mean()
        return total / sum(counts)

    model = Chain(seed)
    model.logits *= 20
    before = model.logits.copy()
    model.train(np.array(counts, dtype=float))
    step = model.logits - before
    for at in np.random.default_rng(seed).integers(0, (SKILLS, SYMBOLS, SYMBOLS), (6, 3)):
        ends = []
        for sign in (1, -1):
            model.logits = before.copy()
            model.logits[tuple(at)] += sign * 1e-5
            ends.append(loss(model))
        slope = (ends[0] - ends[1]) / 2e-5
        expected = -slope * RATE * SYMBOLS
        assert step[tuple(at)] == pytest.approx(expected, abs=1e-5 * np.abs(step).max() + 1e-8)


def test_a_skill_of_the_chain_waits_for_those_before_it():
    alone, late = np.zeros(SKILLS), np.zeros(SKILLS)
    alone[0] = late[2] = 1
    first, third = Chain(0), Chain(0)
    for _ in range(150):
        first.train(alone)
        third.train(late)
    assert first.probabilities()[0] > 0.9
    assert third.probabilities()[2] < 0.5
    for skill in (1, 2):
        for _ in range(150):
            first.train(np.eye(SKILLS)[skill])
    assert first.probabilities()[2] > 0.9


def test_demonstrations_move_every_part_by_the_gradient_of_the_log_likelihood():
    regime = Regime("small", "", tasks=(3, 3), heterogeneity=0.0)
    world = mixed_world(regime, 0)
    one = Supervised(regime, Protocol(), [world], [0])
    task = 4
    rolled = one.rollout(np.array([0, 0]), np.array([task, task]), np.array([8, 8]))
    before = one.theta[0].copy()
    one.update([rolled], np.array([0]), np.array([16]))
    own = world.parts[task][world.parts[task] < one.learning]
    expected = np.zeros(one.learning)
    expected[own] = 2 * 0.05 * (1 - 1 / (1 + np.exp(-before[own])))
    np.testing.assert_allclose(one.theta[0, : one.learning] - before[: one.learning], expected)


@given(st.floats(0, 1), st.integers(1, 12))
def test_chances_of_right_answers_sum_to_one(rate: float, size: int):
    rates = np.array([rate])
    assert admitted(rates, range(size + 1), size) == pytest.approx(1)
    mean = sum(k * binomial(rates, k, size) for k in range(size + 1))
    assert mean == pytest.approx(size * rate, abs=1e-9)


def test_worlds_hold_what_they_say():
    rates = starting_rates(MIXED, SEEDS, mixed_world)
    assert (np.histogram(rates, 5, (0, 1))[0] > 0.05 * rates.size).all()
    regime = Regime("missing", "", tasks=(12, 4), heterogeneity=0.0)
    atoms = starting_rates(regime, SEEDS, missing_world)[:, :12]
    assert ((atoms < 0.2).sum(1) == 3).all()
    assert ((atoms > 0.9).sum(1) == 9).all()


def test_an_adder_carries_over_learns_from_agreement_and_suffers_from_wrong_agreement():
    model = Adder(0)
    assert model.logit[KNOWN - 1 : KNOWN + 3].tolist() == [FULL - FALL * n for n in range(4)]
    assert model.logit.min() == -FULL
    at = np.full(20, KNOWN + 1)  # 12 digits
    before = model.logit.copy()
    model.learn(at, np.ones((20, 8), dtype=bool))
    gained = model.logit - before
    assert gained[KNOWN + 1] > 0.5
    assert gained[KNOWN + 2] == pytest.approx(gained[KNOWN + 1])  # the next length profits as much
    assert (gained[:KNOWN] == 0).all()
    model.learn(at, np.zeros((20, 8), dtype=bool))
    assert (model.logit[:KNOWN] < FULL).all()


def test_a_course_counts_steps_and_rollouts():
    one = Course(5, np.array([[0.1, 0.4, 0.8], [0.1, 0.2, 0.3]]),
                 np.array([[0, 100, 300], [0, 100, 200]]))  # fmt: skip
    bar = np.array([0.4, 0.9])
    assert one.steps_to(bar).tolist() == [5, 15]
    assert one.rollouts_to(bar).tolist() == [100, 300]
    np.testing.assert_allclose(one.accuracy_at(np.array([200, 50])), [0.6, 0.15])


def test_a_refilled_course_spends_more_and_ends_after_the_same_steps():
    small = Regime("small", "", tasks=(4, 4), zero=8)
    plain, refilled = (
        course(small, SEEDS, spec, 20, every=10) for spec in ("uniform", "dapo?max_resamples=9")
    )
    assert (plain.rollouts[:, -1] == 20 * 16 * 8).all()
    assert (refilled.rollouts[:, -1] > 2 * plain.rollouts[:, -1]).all()
    assert (refilled.accuracy[:, -1] > plain.accuracy[:, -1]).all()
    deepest = course(small, SEEDS, "uniform", 20, every=10, deepest=1)
    np.testing.assert_allclose(deepest.accuracy[:, 0], starting_rates(small, SEEDS)[:, 4:].mean(1))


# The claims.

SHORT: dict[str, tuple[int, float]] = {
    "alp_gmm": (8_000, 0.0),
    "alp_gmm_useless": (10_000, 0.0),
    "skill_it": (1_000, 1.0),
    "stat": (120, 1.0),
    "self_improvement": (100, 5.0),
    "ladder": (800, 0.2),
    "vcrl": (80, -0.3),
    "band": (80, 0.3),
    "instance_filter": (150, 0.8),
}
"""Episodes, steps or budget of a short run, and what the deciding measure must be above."""


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_few_seeds_show_the_direction_of_each_claim(name: str):
    size, bar = SHORT[name]
    claim = CLAIMS[name](range(1 if name.startswith("alp") else 2), size)
    assert claim.name == name
    assert claim.measures[0].value.mean > bar, claim.found
    assert len(to_markdown([claim], "command", 2).splitlines()) > 12


def test_the_second_version_of_skill_it_learns_under_rl_where_the_first_did_not():
    first, second = (
        course(REGIMES["chain"], (0, 1), method, 250, every=250).accuracy[:, -1]
        for method in (blamed, "skill_it")
    )
    assert (first < 0.06).all()
    assert (second > 2 * first).all()


def test_a_full_band_learns_more_in_a_step_than_one_that_is_not_refilled():
    full, sparse = (
        course(MIXED, (0, 1), spec, 40, every=40, make=mixed_world).accuracy[:, -1]
        for spec in ("band", "band?max_resamples=0")
    )
    assert (full > sparse).all()


# Verdicts and pages.


def test_verdicts_follow_the_interval():
    assert decide(over_seeds([0.1, 0.2, 0.3])) == "reproduced"
    assert decide(over_seeds([-0.1, 0.2, -0.3])) == "not reproduced"
    assert decide(over_seeds([0.1, 0.2, 0.3]), 0.2) == "not reproduced"
    assert times([20, 80], [10, 10]).mean == pytest.approx(4)


def test_a_page_shows_every_measure_as_it_is():
    measures = (Measure("a | b", over_seeds([0.5, 0.5])), Measure("other", over_seeds([1.0, 1.0])))
    claim = Claim("name", "Paper *A*", "says", "setting", measures, "reproduced", "why")
    page = to_markdown([claim], "command", 2)
    assert "| name | a \\| b | 0.50 [0.50, 0.50] | reproduced |" in page
    assert "| other | 1.00 [1.00, 1.00] |" in page
    assert "Paper \\*A\\*" in page


def test_unknown_claims_are_one_clear_line():
    assert find_claims([]) == list(CLAIMS)
    assert find_claims(["stat", "stat"]) == ["stat"]
    with pytest.raises(UnknownName, match="unknown claim 'skillit'; did you mean 'skill_it'"):
        find_claims(["skillit"])


@pytest.mark.parametrize(
    ("words", "says"),
    [(["skillit"], "unknown claim"), (["stat", "--seeds", "1"], "--seeds must be at least 2")],
)
def test_bad_input_is_one_line_and_exit_status_2(words, says, tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["curriculum", "papers", *words, "--output", str(tmp_path / "out")])
    assert caught.value.code == 2
    shown = capsys.readouterr().err
    assert says in shown
    assert len(shown.splitlines()) == 1
    assert not (tmp_path / "out").exists()
