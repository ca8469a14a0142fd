"""What every treatment owes, over all that are registered and some from outside the package."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.errors import UserError
from rlskills.generation.engine import SamplingParams
from rlskills.training.batch import Rollout, RolloutBatch
from rlskills.training.treatments import TREATMENTS, in_stage, make_treatment, treatment_specs

from ..made import batch, rollout, stepped

OUTSIDE = Path(__file__).with_name("outside.py")
ALL = [*TREATMENTS.names(), f"{OUTSIDE}:Demonstrate", f"{OUTSIDE}:Wander"]
STAGES = ("shape", "credit", "select", "adapt")
rewards = st.sampled_from([0.0, 1.0, 0.5, -1.0, None])
rounds = st.integers(2, 5).flatmap(
    lambda size: st.lists(st.lists(rewards, min_size=size, max_size=size), min_size=1, max_size=4)
)


class Extra:
    """Samples rollouts of which every other is right, and demonstrations of two tokens."""

    def sample(
        self, like: Any, prompts: Any, n: int, begun: Any = (), temperature: Any = None
    ) -> list[Rollout]:
        return [rollout(row.group, float(i % 2)) for row in like for i in range(n)]

    def demonstrate(self, like: Any) -> list[Rollout]:
        rows = [rollout(row.group, 1.0, length=2) for row in like]
        for row in rows:
            row.drop()
        return rows

    def ask_plainly(self, rows: Any) -> None:
        pass

    def behind(self, rows: Any, prompts: Any) -> list[Rollout]:
        return list(rows)

    def spans(self, row: Any, places: Any) -> list[tuple[int, int]]:
        return list(places)

    def logprobs(self, rows: Any, model: str = "") -> list[torch.Tensor]:
        """Other numbers for each row, token and model."""
        return [
            -0.1 * (1 + torch.arange(len(r.ids))) / (1 + i + len(model)) for i, r in enumerate(rows)
        ]

    def hidden(self, rows: Any, model: str = "start") -> torch.Tensor:
        return torch.tensor([[float(i), 1.0 + i % 3, float(i % 2)] for i in range(len(rows))])


def run(spec: str, made: RolloutBatch, seed: int = 0) -> Any:
    """All stages of an arm with this treatment alone, in its order."""
    treatments = [make_treatment(one, seed) for one in treatment_specs([spec])]
    for treatment in treatments:
        treatment.augment(made, Extra())
    for stage in STAGES:
        for treatment in in_stage(treatments, stage):
            getattr(treatment, stage)(made)
    return treatments[-1]


@pytest.mark.parametrize("spec", ALL)
@settings(max_examples=40)
@given(rounds)
def test_advantages_and_weights_are_finite_and_of_every_token(spec: str, groups):
    made = batch(*groups)
    treatment = run(spec, made)
    for row in made:
        for values in (row.advantages, row.rl_weight, row.ce_weight):
            assert values.shape == (len(row.ids),)
            assert bool(torch.isfinite(values).all())
        assert bool((row.rl_weight >= 0).all())
        assert bool((row.ce_weight >= 0).all())
    assert all(math.isfinite(value) for value in treatment.metrics().values())


@pytest.mark.parametrize("spec", ALL)
@settings(max_examples=40)
@given(rounds)
def test_a_rollout_whose_grading_failed_is_not_learned_from(spec: str, groups):
    made = batch(*groups)
    run(spec, made)
    for row in made:
        if row.score.failed:
            assert not (row.advantages * row.rl_weight).any() or spec == "rft"
            assert not row.ce_weight.any()
            assert not (spec == "rft" and row.kept)


@pytest.mark.parametrize("spec", ALL)
@settings(max_examples=40)
@given(rounds)
def test_the_same_round_gives_the_same(spec: str, groups):
    first, second = batch(*groups), batch(*groups)
    run(spec, first)
    run(spec, second)
    for one, two in zip(first, second, strict=True):
        assert torch.equal(one.advantages, two.advantages)
        assert torch.equal(one.rl_weight, two.rl_weight)
        assert torch.equal(one.ce_weight, two.ce_weight)


@pytest.mark.parametrize("spec", ALL)
def test_state_survives_json_and_is_continued(spec: str):
    treatment = run(spec, stepped([3, 1, 0, 2]))
    state = json.loads(json.dumps(treatment.state_dict()))
    other = make_treatment(spec, seed=99)
    other.load_state_dict(state)
    assert other.state_dict() == treatment.state_dict()
    params = SamplingParams(8)
    one, two = treatment.sampling(params, 5), other.sampling(params, 5)
    assert [one.temperature_at(i) for i in range(4)] == [two.temperature_at(i) for i in range(4)]


@pytest.mark.parametrize("spec", ALL)
def test_the_state_of_another_treatment_is_refused(spec: str):
    treatment = make_treatment(spec)
    state = treatment.state_dict()
    state["spec"] = {"name": "another", "options": {}}
    with pytest.raises(UserError, match="cannot be loaded"):
        treatment.load_state_dict(state)


@pytest.mark.parametrize("spec", ALL)
def test_it_says_what_it_is(spec: str):
    treatment = make_treatment(spec)
    assert (type(treatment).__doc__ or "").strip()
    assert treatment.supervision in ("answers", "every step")
    assert spec.startswith(str(OUTSIDE)) or spec == treatment.name
    assert make_treatment(str(treatment.spec)).spec == treatment.spec


@pytest.mark.parametrize("spec", TREATMENTS.names())
def test_unknown_and_impossible_options_are_one_line(spec: str):
    with pytest.raises(UserError, match=f"option of {spec}"):
        make_treatment(f"{spec}?nothing=1")


@pytest.mark.parametrize(
    "spec",
    ["maxrl?clip=-1", "maxrl?clip=nan", "rft?max_per_prompt=-1", "step_credit?weight=0",
     "dynamic_sampling?max_resamples=0", "grpo?scale=most", "step_credit?weight=nan"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError):
        make_treatment(spec)


def test_who_sets_advantages_does_so_before_others_add_to_them():
    named = [make_treatment(spec) for spec in ("entropy_target", "maxrl", "step_credit")]
    order = [treatment.name for treatment in in_stage(named, "credit")]
    assert order == ["maxrl", "entropy_target", "step_credit"]
    assert in_stage(named, "select") == named


def test_an_arm_without_credit_begins_with_grpo():
    assert [spec.name for spec in treatment_specs(["step_credit"])] == ["grpo", "step_credit"]
    assert next(iter(treatment_specs(["maxrl", "step_credit"]))).name == "maxrl"
    assert [spec.name for spec in treatment_specs([])] == ["grpo"]


def test_treatments_that_would_undo_each_other_are_refused():
    with pytest.raises(UserError, match="maxrl and rft cannot be combined: each sets the adv"):
        treatment_specs(["maxrl", "rft"])


def test_a_treatment_named_twice_or_unknown_is_refused():
    with pytest.raises(UserError, match="named twice"):
        treatment_specs(["grpo", "grpo?scale=none"])
    with pytest.raises(UserError, match="did you mean 'maxrl'"):
        treatment_specs(["maxlr"])
