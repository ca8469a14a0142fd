"""Problems that are too long for the model, at any place in the stream."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PrinterCallback, TrainerCallback

from rlskills import environments
from rlskills.errors import UserError
from rlskills.experiments import ArmConfig, Supervision
from rlskills.generation.select import select_engine
from rlskills.models.loading import load
from rlskills.runs.metrics import Budget
from rlskills.training.collected import collect
from rlskills.training.settings import CollectSettings, RLSettings, SFTSettings, Training
from rlskills.training.sft import SFT
from rlskills.training.stream import MOST_SKIPPED, TaskStream, uniform
from rlskills.training.trl import RLTrainer

from .small import KERNELS, Bits, run, small_study

RL = RLSettings(
    max_steps=4, prompts_per_step=4, group_size=2, max_new_tokens=2, save_every=2, eval_every=0
)
SL = SFTSettings(max_steps=4, batch_size=6, save_every=2, eval_every=0)


class Sometimes(Bits):
    """A fifth of the prompts is longer than the model; none of the first of a level is."""

    name = "sometimes"

    def make(self, rng: Any, cfg: Any) -> environments.Draft:
        draft = super().make(rng, cfg)
        long = rng.random() < 0.2
        return replace(draft, prompt="a" * 300 + str(draft.prompt)) if long else draft


def problems(seed: int = 0) -> TaskStream:
    return uniform(Sometimes(), "train", (1,), seed)


def trainer(settings: Training, model: Path, folder: Path, tasks: TaskStream) -> Any:
    torch.set_num_threads(1)
    method: Any = RLTrainer if isinstance(settings, RLSettings) else SFT
    made = method(load(str(model), KERNELS), tasks, settings, folder)
    made.remove_callback(PrinterCallback)
    return made


@pytest.mark.parametrize("settings", [RL, SL], ids=lambda s: type(s).__name__)
def test_a_long_prompt_deep_in_the_stream_is_one_line(small_model, tmp_path: Path, settings):
    arm = ArmConfig("arm", Supervision.ANSWERS, replace(settings, max_steps=20), problems())
    with pytest.raises(UserError, match=r"sometimes \(level 1\) has 3\d\d tokens") as error:
        run(small_study(arm, model=str(small_model)), tmp_path)
    assert "\n" not in str(error.value)
    assert (tmp_path / "seed0" / "arm" / "checkpoints").exists(), "it had begun"


@pytest.mark.parametrize("settings", [RL, SL], ids=lambda s: type(s).__name__)
def test_the_next_of_its_kind_is_drawn_instead(small_model: Path, tmp_path: Path, settings):
    tasks = problems()
    settings = replace(settings, long_prompts="skip", max_steps=6)
    made = trainer(settings, small_model, tmp_path, tasks)
    made.train()
    assert tasks.skipped > 0
    count = settings.prompts_per_step if isinstance(settings, RLSettings) else settings.batch_size
    assert tasks.problems == 6 * count + tasks.skipped
    logged = [logs["train/prompts_skipped"] for logs in made.state.log_history if "loss" in logs]
    assert sum(logged) == tasks.skipped


class Stop(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize("settings", [RL, SL], ids=lambda s: type(s).__name__)
def test_a_run_goes_on_where_it_had_skipped(small_model: Path, tmp_path: Path, settings):
    settings = replace(settings, long_prompts="skip")
    whole, parts, again = problems(), problems(), problems()
    first = trainer(settings, small_model, tmp_path / "whole", whole)
    first.train()
    stopped = trainer(settings, small_model, tmp_path / "parts", parts)
    stopped.add_callback(Stop())
    with pytest.raises(KeyboardInterrupt):
        stopped.train()
    last = trainer(settings, small_model, tmp_path / "parts", again)
    last.train(resume_from_checkpoint=str(tmp_path / "parts" / "checkpoint-2"))
    assert again.state_dict() == whole.state_dict()
    expected = first.model.state_dict()
    assert all(torch.equal(v, expected[n]) for n, v in last.model.state_dict().items())


@pytest.mark.parametrize("settings", [RL, SL], ids=lambda s: type(s).__name__)
def test_a_limit_can_be_set_below_the_model(small_model: Path, tmp_path: Path, settings):
    settings = replace(settings, max_prompt_tokens=3)
    made = trainer(settings, small_model, tmp_path, problems())
    with pytest.raises(UserError, match="above max_prompt_tokens 3"):
        made.train()


def test_where_none_fits_there_is_an_end(small_model: Path, tmp_path: Path):
    settings = replace(RL, max_prompt_tokens=3, long_prompts="skip")
    made = trainer(settings, small_model, tmp_path, problems())
    with pytest.raises(UserError, match=f"{MOST_SKIPPED + 1} problems of sometimes"):
        made.train()


def test_a_demonstration_counts(small_model: Path, tmp_path: Path):
    class Wordy(Bits):
        name = "wordy"

        def answer_only(self, task: environments.Task) -> str:
            return "b" * 300

    made = trainer(
        replace(SL, target="answer"), small_model, tmp_path, uniform(Wordy(), "train", (1,), 0)
    )
    with pytest.raises(UserError, match="with 301 new ones it does not fit the model's 256"):
        made.train()


@pytest.mark.parametrize("long", ["refuse", "skip"])
def test_a_fixed_data_set_is_sampled_of_what_fits(small_model: Path, tmp_path: Path, long):
    loaded = load(str(small_model), KERNELS)
    settings = CollectSettings(problems=12, samples=2, max_new_tokens=2, problems_per_file=6)
    tasks, budget = problems(), Budget()
    settings = replace(settings, long_prompts=long)
    if long == "refuse":
        with pytest.raises(UserError, match=r"sometimes \(level 1\) has 3\d\d tokens"):
            collect(loaded, select_engine(loaded), tasks, settings, tmp_path, budget)
        return
    found = collect(loaded, select_engine(loaded), tasks, settings, tmp_path, budget)
    assert found["problems"] == 12
    assert tasks.skipped > 0
    assert tasks.problems == 12 + tasks.skipped
