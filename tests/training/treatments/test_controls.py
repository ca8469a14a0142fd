"""Rewards that do not say what is right: by form and length, by chance, and with errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import comb, isnan, sqrt

import pytest

from rlskills.errors import UserError
from rlskills.generation.engine import SamplingParams
from rlskills.training.batch import RolloutBatch
from rlskills.training.treatments import make_treatment, treatment_specs
from rlskills.training.treatments.format_reward import by_length
from rlskills.training.treatments.testing import rollout_batch

from ..made import batch, first
from .test_contract import Extra


@pytest.mark.parametrize(
    ("lines", "expected"), [(False, [0, 0.75, 1, 0.5, -1]), (True, [0, 0.5, 1, 0, -1])]
)
def test_the_best_length_is_half_of_the_limit(lines: bool, expected: list[float]):
    found = [by_length(share, 0.5, lines) for share in (0, 0.25, 0.5, 0.75, 1)]
    assert found == pytest.approx(expected)
    assert by_length(0.25, 0.25, lines) == 1
    assert by_length(1, 0.25, lines) == -1


def formed(lengths: Sequence[int], form: Sequence[float], spec: str) -> list[float]:
    made = rollout_batch([[1.0] * len(lengths)], [lengths])
    for row, value in zip(made, form, strict=True):
        row.score = replace(row.score, parts={"answer": 1.0, "format": value})
    treatment = make_treatment(spec)
    treatment.sampling(SamplingParams(100), 0)
    treatment.shape(made)
    return [float(row.reward) for row in made]


def test_form_counts_and_the_answer_does_not():
    found = formed([25, 25, 90, 90], [1, 0, 1, 0], "format_reward")
    assert found == pytest.approx([1.75, 0, 0.72, -0.28])
    assert formed([25, 90], [1, 0], "format_reward?length=none") == [1, 0]
    assert formed([25, 90], [1, 1], "format_reward?length=lines") == pytest.approx([1.5, 0.4])


def test_form_where_a_grader_does_not_tell():
    made = batch([1, 0, None])
    made.rollouts[1].truncated = True
    treatment = make_treatment("format_reward?length=none")
    treatment.shape(made)
    assert [row.reward for row in made.rollouts[:2]] == [1, 0]
    assert isnan(made.rollouts[2].reward)
    assert treatment.metrics() == {"well_formed": 0.5}


def test_a_coin_for_each_completion():
    made, treatment = batch(*[[1.0, 0.0, None]] * 300), make_treatment("random_reward?rate=0.25")
    treatment.shape(made)
    graded = [row for row in made if not row.score.failed]
    for right in (True, False):
        known = [row.reward for row in graded if row.score.correct == right]
        assert sum(known) / len(known) == pytest.approx(0.25, abs=0.07)
    assert all(isnan(row.reward) for row in made if row.score.failed)
    again = batch(*[[0.0, 0.0, 0.0]] * 300)
    make_treatment("random_reward?rate=0.25").shape(again)
    for one, two in zip(made, again, strict=True):
        assert one.score.failed or one.reward == two.reward
    for rate, expected in ((0, 0), (1, 1)):
        made = batch([1, 0])
        make_treatment(f"random_reward?rate={rate}").shape(made)
        assert [row.reward for row in made] == [expected, expected]


def coin_advantages(n: int) -> list[tuple[int, list[float]]]:
    """GRPO's advantages for each number of rewards."""
    found = []
    for k in range(n + 1):
        made = batch([1.0] * k + [0.0] * (n - k))
        make_treatment("grpo").credit(made)
        found.append((k, first(made)))
    return found


def test_what_a_coin_teaches_is_nothing_of_full_size():
    size = signed = 0.0
    for k, values in coin_advantages(8):
        chance = comb(8, k) / 2**8
        size += chance * sum(map(abs, values)) / 8
        signed += chance * sum(values) / 8
    # The deviation of the population, whose advantages are larger.
    assert size * sqrt(8 / 7) == pytest.approx(0.9278, abs=1e-3)
    assert signed == pytest.approx(0, abs=1e-6)


def verdicts(made: RolloutBatch, spec: str, seed: int = 0) -> RolloutBatch:
    treatment = make_treatment(spec, seed)
    treatment.augment(made, Extra())
    treatment.shape(made)
    return made


def texts(made: RolloutBatch) -> RolloutBatch:
    """A text of its own for each row."""
    for number, row in enumerate(made):
        row.text = f"completion {number}"
    return made


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(("rate", "mean"), [(0, 0.1), (0.05, 0.14), (0.5, 0.5), (1, 0.9)])
def test_verdicts_have_the_expected_rate(fresh: bool, rate: float, mean: float):
    right = round(2000 * rate)
    made = texts(batch([1.0] * right + [0.0] * (2000 - right)))
    verdicts(made, f"noisy_verifier?fresh={fresh}".lower())
    assert sum(row.score.correct for row in made) / 2000 == pytest.approx(mean, abs=0.025)
    for row in made:
        assert row.reward == row.score.reward == row.score.parts["answer"] == row.score.correct


def test_a_verdict_is_one_of_a_problem_and_a_text():
    one = verdicts(texts(batch([0.0] * 200)), "noisy_verifier?fp=0.5")
    two = verdicts(texts(batch([0.0] * 200)), "noisy_verifier?fp=0.5", seed=5)
    assert [row.score.correct for row in one] == [row.score.correct for row in two]
    same = verdicts(batch([0.0] * 200), "noisy_verifier?fp=0.5")
    assert len({row.score.correct for row in same}) == 1
    fresh = verdicts(batch([0.0] * 200), "noisy_verifier?fp=0.5&fresh=true")
    assert len({row.score.correct for row in fresh}) == 2


def test_only_answers_can_be_called_right_and_nothing_is_judged_twice():
    made = batch([0, 1, None])
    made.rollouts[0].score = replace(made.rollouts[0].score, status="truncated")
    treatment = make_treatment("noisy_verifier?fp=1&fn=1")
    treatment.augment(made, Extra())
    added = batch([1.0]).rollouts
    made.add(added)
    treatment.shape(made)
    assert [row.score.correct for row in made] == [False, False, False, False]
    assert [row.reward for row in made.rollouts[:2]] == [0, 0]
    assert isnan(made.rollouts[2].reward)
    assert treatment.metrics() == {"untrue": pytest.approx(2 / 3)}


def test_others_see_the_verdicts():
    made = batch([0, 0, 1], [0, 0])
    made.rollouts[0].text = "another"
    for spec in ("noisy_verifier?fp=1&fn=0", "maxrl"):
        treatment = make_treatment(spec)
        treatment.augment(made, Extra())
        treatment.shape(made)
        treatment.credit(made)
    assert first(made) == [0] * 5  # all right
    assert all(row.score.correct for row in made)


def test_corrected_rewards_have_the_mean_of_the_truth():
    made = verdicts(batch([1, 0, 0.5]), "noisy_verifier?fp=0&fn=0&unbiased=true")
    assert [row.reward for row in made] == [1, 0, 0.5]
    made = texts(batch([1.0] * 60 + [0.0] * 60))
    verdicts(made, "noisy_verifier?fp=0.1&fn=0.1&unbiased=true&fresh=true")
    assert {round(row.reward, 6) for row in made} == {1.125, -0.125}
    assert all((row.reward > 1) == row.score.correct for row in made)
    assert {row.score.reward for row in made} == {0, 1}


def test_a_correction_changes_nothing_that_is_standardised():
    plain, corrected = texts(batch([1.0] * 10 + [0.0] * 30)), texts(batch([1.0] * 10 + [0.0] * 30))
    verdicts(plain, "noisy_verifier")
    verdicts(corrected, "noisy_verifier?unbiased=true")
    for made in (plain, corrected):
        make_treatment("grpo").credit(made)
    assert first(plain) == pytest.approx(first(corrected), abs=1e-3)
    assert any(first(plain))


def test_unsolvable_problems_seem_mixed():
    made = texts(batch(*[[0.0] * 8] * 500))
    verdicts(made, "noisy_verifier?fp=0.1")
    live = sum(len({row.score.correct for row in group}) == 2 for group in made.groups())
    chance = 1 - 0.9**8 - 0.1**8
    assert chance == pytest.approx(0.5695, abs=1e-4)
    assert live / 500 == pytest.approx(chance, abs=0.07)


def test_one_replacement_of_the_reward_in_an_arm():
    with pytest.raises(UserError, match="cannot be combined: each replaces the reward"):
        treatment_specs(["format_reward", "random_reward"])
    treatment_specs(["noisy_verifier", "maxrl"])


@pytest.mark.parametrize(
    "spec",
    ["format_reward?peak=0", "format_reward?peak=1", "format_reward?peak=nan",
     "format_reward?length=x", "random_reward?rate=-0.1", "random_reward?rate=1.1",
     "random_reward?rate=nan", "noisy_verifier?fp=-1", "noisy_verifier?fn=2",
     "noisy_verifier?fp=nan", "noisy_verifier?fp=0.5&fn=0.5&unbiased=true"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError, match=spec.split("?")[0]):
        make_treatment(spec)
