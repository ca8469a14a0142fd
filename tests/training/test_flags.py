"""Settings of sampling and loss that act on a round: nucleus, masks, clip ranges, several steps."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PrinterCallback, TrainerCallback

from rlskills.errors import UserError
from rlskills.models.loading import load
from rlskills.training.settings import CollectSettings, RLSettings
from rlskills.training.trl import RLTrainer

from .small import KERNELS, stream

RL = RLSettings(
    max_steps=4, prompts_per_step=8, group_size=4, max_new_tokens=4, save_every=2, eval_every=0,
    learning_rate=3e-3,
)  # fmt: skip

NO_SCALE = (0.0, -1.0, math.inf, math.nan)
"""What no learning rate and no temperature of training can be."""


def trainer(settings: RLSettings, model: Path, folder: Path) -> Any:
    torch.set_num_threads(1)
    made = RLTrainer(load(str(model), KERNELS), stream(), settings, folder)
    made.remove_callback(PrinterCallback)
    return made


def weights(made: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in made.model.state_dict().items()}


def test_a_nucleus_is_sampled_by_the_next_engine(half_trained: Path, tmp_path: Path):
    made = trainer(replace(RL, max_steps=1, top_p=1e-6), half_trained, tmp_path)
    made.train()
    groups = [{tuple(r.ids) for r in group} for group in made.rounds[0].groups()]
    assert all(len(group) == 1 for group in groups), "only the likeliest token is left"
    params = made.collector._params(0)
    assert made.collector.sampler.engine.chosen(params).name == "transformers"


def test_truncated_completions_carry_no_loss(half_trained: Path, tmp_path: Path):
    settings = replace(RL, max_new_tokens=2, treatments=("grpo?zero_variance=keep",))
    made = trainer(replace(settings, mask_truncated=True), half_trained, tmp_path / "1")
    made._generate_and_score_completions(next(iter(made)))
    rollouts = list(made.rounds[0])
    assert any(r.truncated for r in rollouts)
    assert all(r.kept == (not r.truncated) for r in rollouts)
    plain = trainer(settings, half_trained, tmp_path / "2")
    plain._generate_and_score_completions(next(iter(plain)))
    assert all(r.kept for r in plain.rounds[0])


def test_clip_ranges_and_levels_reach_the_loss(half_trained: Path, tmp_path: Path):
    made = trainer(replace(RL, epsilon_high=0.28), half_trained, tmp_path)
    assert (made.epsilon_low, made.epsilon_high) == (0.2, 0.28)
    made = trainer(replace(RL, importance_sampling_level="sequence"), half_trained, tmp_path)
    assert (made.epsilon_high, made.importance_sampling_level) == (0.2, "sequence")


@pytest.mark.parametrize("loss", ["dapo", "grpo"])
def test_several_steps_on_a_round(half_trained: Path, tmp_path: Path, loss):
    settings = replace(RL, num_iterations=2, loss=loss, gradient_accumulation_steps=2)
    made = trainer(settings, half_trained, tmp_path)
    began, ratios, compute = [], [], made._compute_loss

    def noted(model, inputs):
        now = made._logprobs(model, inputs).detach()
        kept = inputs["completion_mask"].bool()
        ratios.append(float((now - inputs["old_per_token_logps"])[kept].abs().max()))
        return compute(model, inputs)

    collect = made.collector.collect
    made.collector.collect = lambda step: began.append(step) or collect(step)
    made._compute_loss = noted
    made.train()
    assert began == [0, 2], "a round for two steps"
    assert made.state.global_step == 4
    assert max(ratios[0], ratios[1], ratios[4], ratios[5]) < 1e-5, "the first step is on policy"
    assert min(ratios[2], ratios[3], ratios[6], ratios[7]) > 1e-5, "the second is not"
    assert made.budget.rollouts == 2 * 32


def test_log_probabilities_of_a_round_are_read_in_micro_batches(half_trained: Path, tmp_path: Path):
    settings = replace(RL, num_iterations=2, gradient_accumulation_steps=2)
    made = trainer(settings, half_trained, tmp_path)
    seen: list[int] = []

    def note(model, given, output):
        if hasattr(output, "log_probs"):  # others are of sampling
            seen.append(len(output.log_probs))

    made.model.register_forward_hook(note)
    made.train()
    assert 0 < max(seen) <= made.args.per_device_train_batch_size


class Stop(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 3:
            raise KeyboardInterrupt


def test_a_run_of_several_steps_on_a_round_can_be_stopped(half_trained: Path, tmp_path: Path):
    settings = replace(RL, num_iterations=2)
    whole = trainer(settings, half_trained, tmp_path / "whole")
    whole.train()
    first = trainer(settings, half_trained, tmp_path / "parts")
    first.add_callback(Stop())
    with pytest.raises(KeyboardInterrupt):
        first.train()
    again = trainer(settings, half_trained, tmp_path / "parts")
    again.train(resume_from_checkpoint=str(tmp_path / "parts" / "checkpoint-2"))
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(again).items())
    assert again.budget.trained_tokens == whole.budget.trained_tokens


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_iterations": 4, "save_every": 6}, "multiple of num_iterations"),
        ({"num_iterations": 0}, "num_iterations"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"epsilon_high": -1.0}, "epsilon_high"),
        ({"max_prompt_tokens": -1}, "max_prompt_tokens"),
        *[({"learning_rate": value}, "learning_rate must be positive") for value in NO_SCALE],
        ({"warmup_steps": -5}, "warmup_steps must be at least 0, not -5"),
        *[({"temperature": value}, "temperature must be positive") for value in NO_SCALE],
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1, not 0"),
    ],
)
def test_settings_out_of_range(change, words):
    with pytest.raises(UserError, match=words):
        RLSettings(**change)


@pytest.mark.parametrize(
    "change", [{"max_new_tokens": 0}, *({"temperature": value} for value in NO_SCALE)]
)
def test_what_is_sampled_once_has_the_same_ranges(change):
    with pytest.raises(UserError, match=f"{next(iter(change))} must be"):
        CollectSettings(**change)
