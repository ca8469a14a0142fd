"""Arguments that are given on to TRL, and those that are refused before anything is loaded."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PrinterCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.sft_config import SFTConfig

from rlskills.errors import UserError
from rlskills.experiments import ArmConfig, Supervision
from rlskills.models.loading import load
from rlskills.training import arguments
from rlskills.training.arguments import OWNED, check_arguments
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.sft import SFT
from rlskills.training.trl import RLTrainer

from .small import KERNELS, run, small_study, stream

RL = RLSettings(max_steps=1, prompts_per_step=2, group_size=2, max_new_tokens=2, save_every=100)
SL = SFTSettings(max_steps=1, batch_size=4, save_every=100)


def trainer(settings: Any, model: Path, folder: Path) -> Any:
    method: Any = RLTrainer if isinstance(settings, RLSettings) else SFT
    made = method(load(str(model), KERNELS), stream(), settings, folder)
    made.remove_callback(PrinterCallback)
    return made


def names(config: type[Any]) -> set[str]:
    return {item.name for item in fields(config) if item.init}


def test_the_table_names_arguments_that_there_are():
    assert OWNED.keys() <= names(GRPOConfig) | names(SFTConfig)


def test_settings_that_the_table_names_are_ours():
    ours = {item.name for kind in (RLSettings, SFTSettings) for item in fields(kind)}
    for instead in OWNED.values():
        if instead.startswith("the setting "):
            assert instead.split()[2] in ours


def test_what_the_trainers_set_cannot_be_given(small_model: Path, tmp_path: Path):
    """No argument reaches TRL twice, and none takes the place of a setting in silence."""
    given = arguments.common_arguments(RL, tmp_path, load(str(small_model), KERNELS))
    free = given.keys() - OWNED.keys()
    assert free <= {"dataloader_pin_memory"}


@pytest.mark.parametrize("settings", [RL, SL], ids=lambda s: type(s).__name__)
def test_given_arguments_reach_the_trainer(small_model: Path, tmp_path: Path, settings):
    given = ("adam_beta1=0.8", 'lr_scheduler_kwargs={"num_cycles": 2}', "run_name=mine")
    settings = replace(settings, trl=given)
    args = trainer(settings, small_model, tmp_path).args
    assert (args.adam_beta1, args.lr_scheduler_kwargs) == (0.8, {"num_cycles": 2})
    assert args.run_name == "mine"
    check_arguments(settings, type(args))


def test_a_loss_of_supervised_training_can_be_chosen():
    check_arguments(replace(SL, trl=("loss_type=dft",)), SFTConfig)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("num_generations=4", "group_size"),
        ("loss_type=grpo", "the setting loss"),
        ("seed=3", "seeds"),
        ("use_vllm=true", "engine"),
        ("vllm_mode=server", "--machine.vllm.mode"),
        ("vllm_importance_sampling_mode=token_mask", "rollout_correction"),
        ("learning_rate=1", "learning_rate"),
        ("adam_beta_1=0.9", "did you mean 'adam_beta1'"),
        ("adam_beta1=big", "not of type float"),
        ("delta=yes", "delta"),
        ("use_bias_correction_kl=yes", "JSON"),
        ("lr_scheduler_kwargs=[1]", "lr_scheduler_kwargs"),
        ("packing=true", "unknown argument of TRL"),
    ],
)
def test_arguments_that_are_refused(pair: str, words: str):
    with pytest.raises(UserError, match=words) as error:
        check_arguments(replace(RL, trl=(pair,)), GRPOConfig)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("pairs", [("adam_beta1",), ("=1",), ("a=1", "a=2")], ids=str)
def test_what_is_no_pair_is_refused_at_once(pairs):
    with pytest.raises(UserError, match="trl"):
        RLSettings(trl=pairs)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trl": ("num_generations=4",)}, "group_size"),
        ({"optimizer": "adamw_8bit"}, "bitsandbytes"),
        ({"optimizer": "adamw_9bit"}, "did you mean 'adamw_8bit'"),
        ({"report_to": ("wandb",)}, "pip install wandb"),
    ],
)
def test_a_study_refuses_them_before_anything_is_spent(tmp_path, small_model, monkeypatch, change,
                                                       words):  # fmt: skip
    monkeypatch.setattr("rlskills.training.arguments.find_spec", lambda name: None)
    arm = ArmConfig("rl", Supervision.ANSWERS, replace(RL, **change), stream())
    with pytest.raises(UserError, match=words):
        run(small_study(arm, model=str(small_model)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("optimizer", ["adafactor", "sgd"])
def test_optimizers_of_the_library_train(small_model: Path, tmp_path: Path, optimizer: str):
    made = trainer(replace(SL, optimizer=optimizer, learning_rate=0.1), small_model, tmp_path)
    before = {name: p.detach().clone() for name, p in made.model.named_parameters()}
    made.train()
    assert optimizer in type(made.optimizer.optimizer).__name__.lower()
    assert any(not torch.equal(p, before[name]) for name, p in made.model.named_parameters())


def test_trackers_are_handed_on(small_model: Path, tmp_path: Path, monkeypatch):
    given = arguments.common_arguments(
        replace(RL, report_to=("trackio",)), tmp_path, load(str(small_model), KERNELS)
    )
    assert given["report_to"] == ["trackio"]
    monkeypatch.setattr("rlskills.training.arguments.find_spec", lambda name: object())
    check_arguments(replace(RL, report_to=("trackio",)), GRPOConfig)
