"""Advantages of planning tokens, for pass@k, and of fixed size: numbers worked out by hand."""

from __future__ import annotations

import json
from itertools import combinations
from math import comb
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.training.batch import RolloutBatch
from rlskills.training.treatments import make_treatment, treatment_specs
from rlskills.training.treatments.hicra import entropy
from rlskills.training.treatments.pass_k import advantages, analytic, weights

from ..made import batch, first, rollout
from .test_contract import Extra


def credited(spec: str, made: RolloutBatch) -> RolloutBatch:
    treatments = [make_treatment(one) for one in treatment_specs([spec])]
    for stage in ("credit", "select"):
        for treatment in treatments:
            getattr(treatment, stage)(made)
    return made


def worked(rewards: list[float | None]) -> RolloutBatch:
    """Rows of two steps of three tokens, of which the first two name the call, and an answer."""
    return RolloutBatch(
        [
            rollout(0, reward, 7, steps=((0, 3, True), (3, 6, reward == 1)), value_starts=(2, 5))
            for reward in rewards
        ]
    )


def test_planning_tokens_are_praised_more_and_blamed_less():
    made = worked([1, 0, 0, 0])
    for name in ("grpo?scale=none", "hicra?alpha=0.2"):
        make_treatment(name).credit(made)
    good, bad = made.rollouts[0].advantages.tolist(), made.rollouts[1].advantages.tolist()
    assert good == pytest.approx([0.9, 0.9, 0.75, 0.9, 0.9, 0.75, 0.75])
    assert bad == pytest.approx([-0.2, -0.2, -0.25, -0.2, -0.2, -0.25, -0.25])
    made = credited("hicra", worked([1, 0, 0, 0]))
    assert first(made) == pytest.approx([1.7996, -0.3999, -0.3999, -0.3999], abs=1e-4)
    assert made.rollouts[0].advantages[2].item() == pytest.approx(1.4997, abs=1e-4)


@pytest.mark.parametrize("rewards", [[1, 1], [0, 0], [1], [0.0, None]])
def test_groups_without_advantages_stay_so(rewards):
    made = credited("hicra", worked(rewards))
    assert not any(row.advantages.any() for row in made)


def test_without_steps_or_where_grading_failed_nothing_is_added():
    made = credited("hicra", batch([1, 0]))
    assert first(made) == pytest.approx(first(credited("grpo", batch([1, 0]))))
    made = credited("hicra", worked([1, 0, None]))
    assert not made.rollouts[2].advantages.any()


def test_what_was_observed_or_given_is_no_plan():
    made = worked([1, 0])
    made.rollouts[0].mask = [0, 0, 1, 1, 1, 1, 1]
    credited("hicra", made)
    values = made.rollouts[0].advantages.tolist()
    assert values[0] == values[1] == values[2] < values[3]


def test_texts_of_a_file_are_planning_tokens(tmp_path: Path):
    file = tmp_path / "grams.json"
    file.write_text(json.dumps(["then", "then we"]))
    made = worked([1, 0])
    made.rollouts[0].text = "so then we"  # the fake sampler takes characters for tokens
    made.rollouts[1].text = "well"
    treatment = make_treatment(f"hicra?grams={file}")
    treatment.augment(made, Extra())
    make_treatment("grpo?scale=none").credit(made)
    treatment.credit(made)
    assert made.rollouts[0].advantages.tolist() == pytest.approx([0.5] * 3 + [0.6] * 4)
    assert made.rollouts[1].advantages.tolist() == pytest.approx([-0.5] * 7)
    assert treatment.metrics()["planning"] == pytest.approx(4 / 14)


def test_entropy_of_plans():
    assert entropy([5, 3, 2]) == pytest.approx(1.0297, abs=1e-4)
    assert entropy([]) == entropy([7]) == 0
    made, treatment = worked([1, 0, 0]), make_treatment("hicra")
    made.rollouts[0].ids = [1, 2, 3, 4, 5, 6, 7]
    treatment.credit(made)
    assert treatment.metrics() == pytest.approx(
        {"planning": 4 / 7, "plan_entropy": entropy([1, 2])}, abs=1e-6
    )


@pytest.mark.parametrize(
    ("c", "plain", "loo", "standard"),
    [
        (2, (0.5, 0.3571), 0.2857, (0.5222, -0.1741)),
        (1, None, 0.5, (1.0, -0.1429)),
        (4, None, 0.0571, (0.1204, -0.1204)),
        (5, None, 0.0143, (0.0, 0.0)),
        (8, None, 0.0, (0.0, 0.0)),
        (0, None, 0.0, (0.0, 0.0)),
    ],
)
def test_pass_at_4_of_8(c: int, plain, loo: float, standard):
    right = [1.0] * c + [0.0] * (8 - c)
    if plain:
        found = weights(right, 4, baseline=False)
        assert (found[0], found[-1]) == pytest.approx(plain, abs=1e-4)
    found = weights(right, 4, baseline=True)
    assert found == pytest.approx([loo] * c + [0.0] * (8 - c), abs=1e-4)
    good, bad = analytic(8, c, 4)
    if c:
        assert good == pytest.approx(standard[0], abs=1e-4)
    if c < 8:
        assert bad == pytest.approx(standard[1], abs=1e-4)
    assert c * good + (8 - c) * bad == pytest.approx(0, abs=1e-6)


def test_the_estimate_itself():
    assert 1 - comb(6, 4) / comb(8, 4) == pytest.approx(0.7857, abs=1e-4)


def test_the_best_of_any_values():
    values = [0.1, 0.2, 0.3, 1]
    assert weights(values, 2, False) == pytest.approx([0.25, 0.25, 0.2667, 0.5], abs=1e-4)
    assert weights(values, 2, True) == pytest.approx([0, 0.0167, 0.05, 0.4], abs=1e-4)
    assert weights(values, 4, True) == pytest.approx([0, 0, 0, 0.7])


@given(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=7),
    st.data(),
    st.booleans(),
)
def test_weights_are_sums_over_subsets(values: list[float], data, baseline: bool):
    k = data.draw(st.integers(1, len(values)))
    expected = [0.0] * len(values)
    for subset in combinations(range(len(values)), k):
        for i in subset:
            others = [values[j] for j in subset if j != i]
            least = max(others, default=0.0) if baseline else 0.0
            expected[i] += (max(values[j] for j in subset) - least) / comb(len(values), k)
    assert weights(values, k, baseline) == pytest.approx(expected)


@given(st.integers(2, 7), st.floats(0.05, 0.95), st.data())
def test_pass_k_has_the_expected_gradient(n: int, p: float, data):
    """Over all outcomes: that of 1 - (1 - p)^k, which is k (1 - p)^(k-1)."""
    k = data.draw(st.integers(1, n))
    for estimator in ("loo", "plain"):
        total = 0.0
        for c in range(n + 1):
            values = advantages([1.0] * c + [0.0] * (n - c), k, estimator)
            mean = sum(a / p if i < c else -a / (1 - p) for i, a in enumerate(values)) / n
            total += comb(n, c) * p**c * (1 - p) ** (n - c) * mean
        assert total == pytest.approx(k * (1 - p) ** (k - 1), rel=1e-6)


def test_pass_k_on_groups():
    made = credited("pass_k?k=4", batch([1, 1, 0, 0, 0, 0, 0, 0], [0, 0], [1, 1]))
    assert first(made)[:3] == pytest.approx([8 * 2 / 7, 8 * 2 / 7, 0])
    assert [row.kept for row in made] == [True] * 8 + [False] * 4
    made = credited("pass_k?k=4&estimator=plain", batch([1, 1, 1, 1], [0, 0]))
    assert first(made) == pytest.approx([4] * 4 + [0, 0])
    assert [row.kept for row in made] == [True] * 4 + [False] * 2


def test_pass_k_goes_by_what_is_right_and_was_graded():
    made = credited("pass_k?k=2", batch([1, 0.5, None, 0]))
    # Of three, one right: (2/3) * C(2, 1) / C(2, 1), times three rows.
    assert first(made) == pytest.approx([2, 0, 0, 0])
    lone = credited("pass_k?k=9", batch([1], [None]))
    assert first(lone) == [0, 0]
    swapped = credited("pass_k?k=2", batch([0, 0.5, None, 1]))
    assert first(swapped) == pytest.approx([0, 0, 0, 2])


def test_k_falls_to_one_and_is_no_more_than_the_group():
    treatment = make_treatment("pass_k?k=8&anneal=70")
    seen = []
    for step in (0, 10, 35, 70, 700):
        made = batch([1, 0, 0, 0])
        made.step = step
        treatment.credit(made)
        seen.append(treatment.metrics()["k"])
    assert seen == [8, 7, 4, 1, 1]
    assert first(made) == pytest.approx([1, -1 / 3, -1 / 3, -1 / 3])  # against the others' mean
    assert first(credited("pass_k?k=8", batch([1, 0, 0, 0]))) == pytest.approx([4, 0, 0, 0])


def test_reinforce_has_fixed_advantages():
    assert first(credited("reinforce", batch([1, 0, 0, 1]))) == pytest.approx([0.1, -1, -1, 0.1])
    assert first(credited("reinforce", batch([1, 1]))) == pytest.approx([0.1, 0.1])
    made = credited("reinforce", batch([0, 0], [1, None], [0]))
    assert first(made) == pytest.approx([-1, -1, 0.1, 0, -1])
    assert [row.kept for row in made] == [True, True, True, False, True]


def test_reinforce_leaves_out_what_has_no_weight():
    made = credited("reinforce?positive=0", batch([1, 0], [1, 1]))
    assert [row.kept for row in made] == [False, True, False, False]
    made = credited("reinforce?positive=1&negative=0", batch([1, 0], [0, 0]))
    assert [row.kept for row in made] == [True, False, False, False]
    made = credited("reinforce?all_wrong=drop", batch([1, 0], [0, 0], [0.5, None]))
    assert [row.kept for row in made] == [True, True] + [False] * 4


@pytest.mark.parametrize(
    ("options", "change"),
    [("positive=0", [-0.4, 0.3, 0.1]), ("positive=1&negative=0", [0.4, -0.3, -0.1])],
)
def test_where_probability_goes(options: str, change: list[float]):
    """One step on the logits after the first of three tokens, with probability 0.6, was drawn."""
    reward = 0.0 if options == "positive=0" else 1.0
    (advantage,) = first(credited(f"reinforce?{options}", batch([reward])))
    logits = torch.tensor([0.6, 0.3, 0.1]).log().requires_grad_()
    (advantage * logits.log_softmax(0)[0]).backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == pytest.approx(change)


@pytest.mark.parametrize(
    "spec",
    ["hicra?alpha=0", "hicra?alpha=1", "hicra?alpha=nan", "hicra?grams=nowhere.json",
     "pass_k?k=0", "pass_k?anneal=-1", "pass_k?estimator=best", "reinforce?positive=-1",
     "reinforce?negative=nan", "reinforce?positive=0&negative=0", "reinforce?all_wrong=cap"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError, match=spec.split("?")[0]):
        make_treatment(spec)


@pytest.mark.parametrize("text", ["[]", '["a", 1]', '{"a": 1}', "[", '[""]'])
def test_a_file_that_is_no_list_of_texts_is_refused(text: str, tmp_path: Path):
    file = tmp_path / "grams.json"
    file.write_text(text)
    with pytest.raises(UserError, match="hicra: grams="):
        make_treatment(f"hicra?grams={file}")
