"""Temperature within a completion, bonuses for what is unusual, and measures of variety."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments import StepScore
from rlskills.errors import UserError
from rlskills.generation.engine import SamplingParams
from rlskills.training.batch import Rollout, RolloutBatch
from rlskills.training.losses.off_policy import drawn_logprobs, sampling_ratio
from rlskills.training.settings import RLSettings
from rlskills.training.treatments import Treatment, make_treatment
from rlskills.training.treatments.annealed_temperature import annealed
from rlskills.training.treatments.hidden_bonus import choose, leverage
from rlskills.training.treatments.semantic_entropy import entropy, working
from rlskills.training.treatments.testing import rollout_batch

from ..made import batch, first, rollout
from .test_contract import Extra
from .test_rescue import arm

# annealed_temperature

PAPER = "annealed_temperature?scale=fixed&low=0.1&begin=10"


def test_the_temperature_falls_with_the_position():
    values = [annealed(at, 500, 1.2, 0.1, begin=10) for at in (9, 10, 100, 200, 380)]
    assert values == pytest.approx([1, 1.1798, 0.9786, 0.7082, 0.1], abs=1e-4)
    assert [annealed(at, 25, 1.2, 0.1) for at in (10, 20)] == pytest.approx([0.7082, 0.1], abs=5e-4)
    assert annealed(10**9, 25, 1.2, 0.1) == 0.1
    assert 500 * math.log(1.2) == pytest.approx(91.16, abs=0.01)


@pytest.mark.parametrize(("step", "d"), [(0, 25), (100, 525), (10_000, 40_000)])
def test_the_scale_grows_with_the_update(step: int, d: float):
    treatment = make_treatment(PAPER)
    params = treatment.sampling(SamplingParams(64), step)
    assert treatment.metrics()["d"] == d
    assert params.temperature_at(9) == 1.0
    assert params.temperature_at(20) == annealed(20, d, 1.2, 0.1)
    assert params.logprobs


def test_the_scale_follows_the_length_of_completions():
    treatment = make_treatment("annealed_temperature?low=0.1")
    plain = SamplingParams(200)
    assert treatment.sampling(plain, 0) is plain
    treatment.adapt(rollout_batch([[1, None]], [[32, 96]]))
    params = treatment.sampling(plain, 1)
    assert treatment.metrics() == pytest.approx({"d": 87.757, "crosses": 16.0}, abs=1e-3)
    values = [params.temperature_at(at) for at in (0, 16, 32, 63)]
    assert values == pytest.approx([1.2, 1, 0.76, 0.1499], abs=1e-4)
    treatment.adapt(rollout_batch([[1]], [[164]]))
    treatment.sampling(plain, 2)
    assert treatment.metrics()["crosses"] == pytest.approx(0.25 * 74)


def test_the_schedule_is_relative_to_the_temperature_of_the_arm():
    params = make_treatment(PAPER).sampling(SamplingParams(64, temperature=0.5), 0)
    assert params.temperature_at(0) == 0.5
    assert params.temperature_at(10) == pytest.approx(0.5 * 0.7082, abs=1e-4)


def test_a_killed_run_goes_on_with_the_length_it_knew():
    one, other = make_treatment("annealed_temperature"), make_treatment("annealed_temperature")
    one.adapt(rollout_batch([[1, 0]], [[17, 26]]))
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    params = [treatment.sampling(SamplingParams(9), 3) for treatment in (one, other)]
    assert params[0].temperature_at(5) == params[1].temperature_at(5)


def test_the_trainer_corrects_for_the_temperature_and_nothing_else_does():
    """Logits [2, 0, 0] at temperature 0.5; defaults of the settings are the paper's bound."""
    logits = torch.tensor([2.0, 0.0, 0.0])
    policy, drawn = logits.log_softmax(0), (logits / 0.5).log_softmax(0)
    assert policy[1].item() == pytest.approx(-2.2395, abs=1e-4)
    assert drawn[1].item() == pytest.approx(-4.036, abs=1e-4)
    row = rollout(0, 1.0, 2)
    row.logprobs = [drawn[1].item(), drawn[0].item()]
    settings = RLSettings()
    ratio = sampling_ratio(
        policy[[1, 0]][None], *drawn_logprobs([row], torch.Size((1, 2))),
        settings.rollout_correction, settings.rollout_ratio_min, settings.rollout_ratio_max,
    )  # fmt: skip
    assert math.exp(policy[1] - drawn[1]) == pytest.approx(6.0281, abs=1e-3)
    assert ratio[0].tolist() == pytest.approx([2.0, 0.8158], abs=1e-4)
    treatment = type(make_treatment(PAPER))
    assert all(
        getattr(treatment, stage) is getattr(Treatment, stage)
        for stage in ("augment", "shape", "credit", "select")
    )


def test_without_correction_nothing_is_recorded():
    params = make_treatment(f"{PAPER}&correction=off").sampling(SamplingParams(9), 0)
    assert not params.logprobs
    assert params.temperature_at(50) == 0.1


# hidden_bonus

H = torch.tensor([[1.0, 0.0]] * 3 + [[0.0, 1.0]])


class States(Extra):
    """These hidden states, for rows in their order; it counts what it read."""

    def __init__(self, states: torch.Tensor) -> None:
        self.states, self.read = states, 0

    def hidden(self, rows: Any, model: str = "start") -> torch.Tensor:
        assert model == "start"
        self.read += len(rows)
        return torch.stack([self.states[i % len(self.states)] for i in range(len(rows))])


def test_leverage_of_a_group_of_four():
    centred = leverage(H - H.mean(0), 0.01)
    assert centred.tolist() == pytest.approx([0.0828] * 3 + [0.745], abs=1e-4)
    assert (centred / (1 - centred)).tolist() == pytest.approx([0.0903] * 3 + [2.9221], abs=2e-4)
    assert leverage(H, 0.01).tolist() == pytest.approx([0.3322] * 3 + [0.9901], abs=1e-4)


def test_the_bonus_is_added_to_rewards():
    made = batch([1, 0, 0, 0])
    *_, treatment = arm(["grpo", "hidden_bonus"], made, States(H))
    assert first(made) == pytest.approx([1.4997, -0.5043, -0.5043, -0.491], abs=1e-4)
    assert treatment.metrics() == pytest.approx({"bonus": 0.2484, "given": 1.0}, abs=1e-4)
    made = batch([1, 0, 0, 0])
    arm(["grpo?scale=none", "hidden_bonus?measure=left_out"], made, States(H))
    assert made.rollouts[3].reward == pytest.approx(0.029221, abs=2e-6)


def test_groups_all_right_have_a_bonus_only_if_asked_for():
    made, sampler = batch([1, 1, 1, 1], [0, 0, 0, 0]), States(H)
    arm(["hidden_bonus"], made, sampler)
    assert sampler.read == 0
    assert not made.kept
    made = batch([1, 1, 1, 1], [0, 0, 0, 0])
    arm(["grpo", "hidden_bonus?solved=true"], made, States(H))
    assert first(made)[:4] == pytest.approx([-0.4853] * 3 + [1.456], abs=1e-4)
    assert [row.reward for row in made.rollouts[4:]] == [0] * 4
    made = batch([1, 1, 1, 1])
    arm(["grpo?scale=none", "hidden_bonus?solved=true"], made, States(H))
    assert first(made) == pytest.approx([-0.0017] * 3 + [0.005], abs=1e-4)


def test_ungraded_rollouts_are_no_part_of_the_group():
    made = batch([1, 0, 0, 0, None])
    arm(["hidden_bonus"], made, States(H))
    assert [row.reward for row in made.rollouts[:4]] == pytest.approx(
        [1.000828, 0.000828, 0.000828, 0.00745], abs=1e-6
    )
    assert math.isnan(made.rollouts[4].reward)


def test_one_rollout_and_completions_alike_have_no_bonus():
    made = batch([1], [1, 0, 0])
    arm(["hidden_bonus?solved=true"], made, States(torch.ones(1, 3)))
    assert [row.reward for row in made] == pytest.approx([1, 1, 0, 0])


@pytest.mark.parametrize("projection", ["sparse", "gaussian"])
def test_projections_are_drawn_anew_and_keep_lengths_on_average(projection: str):
    treatment: Any = make_treatment(f"hidden_bonus?dim=64&projection={projection}", seed=3)
    states = torch.randn(20, 400, generator=torch.Generator().manual_seed(1)).double()
    found = [treatment._projected(states) for _ in range(20)]
    assert found[0].shape == (20, 64)
    assert not torch.equal(found[0], found[1])
    lengths = torch.stack([(one**2).sum(1) / (states**2).sum(1) for one in found])
    assert lengths.mean().item() == pytest.approx(1, abs=0.05)
    again: Any = make_treatment(f"hidden_bonus?dim=64&projection={projection}", seed=3)
    assert torch.equal(again._projected(states), found[0])


@given(st.permutations(range(4)))
def test_the_order_of_completions_does_not_matter(order: list[int]):
    assert leverage(H[order], 0.1).tolist() == pytest.approx(leverage(H, 0.1)[order].tolist())


def test_completions_are_chosen_one_by_one():
    assert choose(H, 2, 0.01) == [0, 3]
    assert choose(H, 9, 0.01) == [0, 3, 1, 2]
    assert choose(H, 0, 0.01) == []
    assert choose(2 * H[[3, 0, 1]], 2, 1.0) == [0, 1]


def test_what_is_chosen_next_has_the_largest_leverage_beside_what_was():
    states = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    chosen = choose(states, 5, 0.1)
    for count in range(1, 5):
        before = states[chosen[:count]].double()
        inverse = (before.T @ before + 0.1 * torch.eye(3)).inverse()
        unlike = ((states.double() @ inverse) * states).sum(1)
        rest = [i for i in range(7) if i not in chosen[:count]]
        assert chosen[count] == max(rest, key=lambda i: float(unlike[i]))


# semantic_entropy


def answering(*answers: str | None, group: int = 0) -> list[Rollout]:
    rows = [rollout(group, 0.0) for _ in answers]
    for row, answer in zip(rows, answers, strict=True):
        row.score = replace(row.score, parsed=answer)
    return rows


def test_entropy_of_counts():
    assert entropy("a" * 5 + "b" * 3 + "c" * 2) == pytest.approx(1.0297, abs=1e-4)
    assert entropy("aaa") == 0
    assert entropy("") == 0


def test_answers_are_counted_by_group():
    made = RolloutBatch([*answering(*"aaaaabbbcc"), *answering("d", "d", None, group=1)])
    made.rollouts += [rollout(2, None), *answering(None, group=3)]
    *_, treatment = arm(["semantic_entropy"], made, Extra())
    assert treatment.metrics()["answers"] == pytest.approx(1.0297 / 2, abs=1e-4)
    assert treatment.metrics()["distinct_answers"] == 2.0
    assert treatment.metrics()["workings"] == 0


def test_a_working_is_the_order_of_skills_or_what_was_written():
    def written(text: str) -> Rollout:
        row = rollout(0, 0.0)
        row.text = text
        row.task = replace(row.task, skills=("f", "g"))
        row.score = replace(row.score, steps=tuple(
            StepScore(at, at + 3, False) for at in range(0, len(text), 4)
        ))  # fmt: skip
        return row

    assert working(written("f=1;g=2;")) == ("f", "g")
    assert working(written("f=1;h=2;")) == ("f", "h=2")
    rows = [written(text) for text in ("f=1;g=2;", "f=3;g=4;", "g=1;f=2;", "")]
    *_, treatment = arm(["semantic_entropy"], RolloutBatch(rows), Extra())
    assert treatment.metrics()["workings"] == pytest.approx(entropy("aab"))
    several = written("f=1;")
    several.turns = 2
    assert working(several) == ()


# entropy_target


class Sure(Extra):
    """Log-probabilities of tokens, the same for every row."""

    def __init__(self, *values: float) -> None:
        self.values = torch.tensor(values)

    def logprobs(self, rows: Any, model: str = "") -> list[torch.Tensor]:
        assert not model
        return [self.values[: len(row.ids)] for row in rows]


def test_unlikely_tokens_are_praised_where_entropy_is_low():
    made = batch([1, 0, None], [0, 0])
    *_, treatment = arm(
        ["grpo?scale=none", "entropy_target?target=0.5&first=0.1&most=1&rate=0.01"],
        made, Sure(-0.1, -0.2, -0.6),
    )  # fmt: skip
    assert treatment.metrics() == pytest.approx({"entropy": 0.3, "coefficient": 0.11})
    bonus = [0.1 * (surprise - 0.3) for surprise in (0.1, 0.2, 0.6)]
    for row, advantage in zip(made.rollouts[:2], (0.5, -0.5), strict=True):
        assert row.advantages.tolist() == pytest.approx([advantage + b for b in bonus])
    assert not made.rollouts[2].advantages.any()
    assert [row.kept for row in made] == [True, True, True, False, False]


def test_there_is_no_bonus_above_the_target_and_the_coefficient_falls():
    made = batch([1, 0])
    spec = "entropy_target?target=0.2&first=0.1&most=1&rate=0.01"
    *_, treatment = arm(["grpo?scale=none", spec], made, Sure(-0.1, -0.2, -0.6))
    assert first(made) == [0.5, -0.5]
    assert treatment.metrics()["coefficient"] == pytest.approx(0.09)


def test_the_coefficient_stays_within_its_bounds_and_is_kept():
    treatment = make_treatment("entropy_target?target=0.2&rate=0.4&most=0.5")
    found = []
    for values in [(-0.1,) * 3] * 2 + [(-0.3,) * 3] * 2:
        made = batch([1, 0])
        treatment.augment(made, Sure(*values))
        treatment.adapt(made)
        found.append(treatment.metrics()["coefficient"])
    assert found == pytest.approx([0.4, 0.5, 0.1, 0.0])
    treatment.augment(batch([None]), Sure(0.0))
    treatment.adapt(batch([None]))
    assert treatment.metrics() == pytest.approx({"entropy": 0.0, "coefficient": 0.0})
    other = make_treatment("entropy_target?target=0.2&rate=0.4&most=0.5")
    treatment.augment(batch([1]), Sure(-0.1, -0.1, -0.1))
    treatment.adapt(batch([1]))
    other.load_state_dict(json.loads(json.dumps(treatment.state_dict())))
    assert other.metrics()["coefficient"] == treatment.metrics()["coefficient"] == 0.4


def test_what_was_not_sampled_does_not_count():
    made = batch([1, 0])
    for row in made:
        row.mask = [1, 0, 1]
    spec = "entropy_target?target=2&first=1&most=1"
    *_, treatment = arm(["grpo?scale=none", spec], made, Sure(-0.1, -9.0, -0.3))
    assert treatment.metrics()["entropy"] == pytest.approx(0.2)
    assert made.rollouts[0].advantages.tolist() == pytest.approx([0.4, 0.5, 0.6])


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=5))
def test_the_bonus_has_the_gradient_of_the_entropy_as_its_mean(values: list[float]):
    logits = torch.tensor(values, dtype=torch.double, requires_grad=True)
    logs = logits.log_softmax(0)
    (wanted,) = torch.autograd.grad(-(logs.exp() * logs).sum(), logits, retain_graph=True)
    p = logs.detach().exp()
    surprise = -logs.detach() + (p * logs.detach()).sum()
    (found,) = torch.autograd.grad((p * surprise * logs).sum(), logits)
    assert found.tolist() == pytest.approx(wanted.tolist(), abs=1e-9)


@pytest.mark.parametrize(
    "spec",
    ["annealed_temperature?high=1", "annealed_temperature?low=0", "annealed_temperature?low=1.1",
     "annealed_temperature?begin=-1", "annealed_temperature?cross=0", "annealed_temperature?d0=0",
     "annealed_temperature?growth=-1", "annealed_temperature?high=nan",
     "annealed_temperature?correction=twice", "hidden_bonus?weight=0", "hidden_bonus?ridge=0",
     "hidden_bonus?ridge=nan", "hidden_bonus?dim=-1", "hidden_bonus?projection=none",
     "entropy_target?target=0", "entropy_target?rate=nan", "entropy_target?most=0",
     "entropy_target?first=-0.1", "entropy_target?first=0.1"],
)  # fmt: skip
def test_options_out_of_range_are_refused(spec: str):
    with pytest.raises(UserError, match=spec.partition("?")[0]):
        make_treatment(spec)
