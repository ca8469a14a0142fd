"""Training of adapters: what moves, exact resume, an arm that goes on, the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import PrinterCallback, TrainerCallback

from rlskills.errors import UserError
from rlskills.experiments import ArmConfig, Supervision
from rlskills.models.loaded import LoadedModel
from rlskills.models.loading import load
from rlskills.models.options import LoraOptions, ModelOptions
from rlskills.training.settings import RLSettings, SFTSettings, Training
from rlskills.training.sft import SFT
from rlskills.training.trl import RLTrainer

from .small import KERNELS, run, small_study, stream

OPTIONS = ModelOptions(lora=LoraOptions(rank=4))
RL = RLSettings(
    max_steps=4, prompts_per_step=8, group_size=4, max_new_tokens=4, save_every=2, eval_every=0,
    learning_rate=1e-2,
)  # fmt: skip
SL = SFTSettings(max_steps=4, batch_size=8, save_every=2, eval_every=0, learning_rate=1e-2)
DROPPING = ModelOptions(lora=LoraOptions(rank=4, dropout=0.2))


def loaded_of(model: Path | str, options: ModelOptions = OPTIONS) -> LoadedModel:
    torch.set_num_threads(1)
    return load(str(model), KERNELS, options=options)


def trainer_of(loaded: LoadedModel, settings: Training, folder: Path) -> Any:
    method: Any = RLTrainer if isinstance(settings, RLSettings) else SFT
    trainer = method(loaded, stream(), settings, folder)
    trainer.remove_callback(PrinterCallback)
    return trainer


def weights(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in loaded.model.named_parameters()}


@pytest.mark.parametrize("settings", [RL, SL], ids=lambda s: type(s).__name__)
def test_only_adapters_are_trained(half_trained: Path, tmp_path: Path, settings):
    loaded = loaded_of(half_trained)
    before = weights(loaded)
    trainer_of(loaded, settings, tmp_path).train()
    moved = {name for name, p in weights(loaded).items() if not torch.equal(p, before[name])}
    assert moved == {name for name in before if "lora_" in name}


class Stop(TrainerCallback):
    """Ends a run as a kill would, after the third step."""

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    "settings", [RL, replace(RL, beta=0.1), SL], ids=["rl", "rl with a reference", "sft"]
)
def test_a_run_that_was_stopped_ends_with_the_same_bits(half_trained, tmp_path: Path, settings):
    whole = loaded_of(half_trained, DROPPING)
    trainer_of(whole, settings, tmp_path / "whole").train()
    first = trainer_of(loaded_of(half_trained, DROPPING), settings, tmp_path / "parts")
    first.add_callback(Stop())
    with pytest.raises(KeyboardInterrupt):
        first.train()
    again = loaded_of(half_trained, DROPPING)
    checkpoint = tmp_path / "parts" / "checkpoint-2"
    assert (checkpoint / "adapter_model.safetensors").exists()
    trainer_of(again, settings, tmp_path / "parts").train(resume_from_checkpoint=str(checkpoint))
    found, expected = weights(again), weights(whole)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_reference_is_where_the_arm_began(half_trained: Path, tmp_path: Path):
    """New adapters: the model without them. Adapters that were trained before: a copy of them."""
    settings = replace(RL, beta=0.1, max_steps=1)
    first = loaded_of(half_trained)
    trainer = trainer_of(first, settings, tmp_path / "1")
    assert trainer.ref_model is None
    trainer.train()
    first.save(tmp_path / "adapters")
    second = loaded_of(tmp_path / "adapters")
    names = {name for name, p in second.model.named_parameters() if p.requires_grad}
    trainer = trainer_of(second, replace(settings, max_steps=3), tmp_path / "2")
    assert {n for n, p in second.model.named_parameters() if p.requires_grad} == names
    inputs = trainer._generate_and_score_completions(next(iter(trainer)))
    began = trainer._logprobs(trainer.model, inputs).detach()
    torch.testing.assert_close(inputs["ref_per_token_logps"], began)
    trainer.train()
    later = trainer._reference_logprobs(inputs)
    torch.testing.assert_close(later, began)
    assert not torch.allclose(trainer._logprobs(trainer.model, inputs).detach(), began)
    second.save(tmp_path / "again")
    assert not (tmp_path / "again" / "ref").exists()


def test_gradient_checkpointing_reaches_adapters(half_trained: Path, tmp_path: Path):
    plain, sparing = loaded_of(half_trained), loaded_of(half_trained)
    trainer_of(plain, replace(SL, max_steps=1), tmp_path / "1").train()
    options: Any = replace(SL, max_steps=1, gradient_checkpointing=True)
    trainer_of(sparing, options, tmp_path / "2").train()
    expected = weights(plain)
    for name, value in weights(sparing).items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-5)


def test_a_half_precision_base_trains(half_trained: Path, tmp_path: Path):
    options = replace(OPTIONS, base_dtype="bfloat16")
    loaded = loaded_of(half_trained, options)
    before = weights(loaded)
    trainer_of(loaded, replace(RL, max_steps=2), tmp_path).train()
    assert any(not torch.equal(p, before[name]) for name, p in weights(loaded).items())


def test_an_arm_goes_on_with_the_adapters_of_the_arm_before(half_trained: Path, tmp_path: Path):
    """Also at another place, and where a run goes on from its record of what is done."""
    base = ArmConfig("base", Supervision.STEPS, replace(SL, max_steps=2), stream())
    arm = ArmConfig("rl", Supervision.ANSWERS, replace(RL, max_steps=2), stream(3), start="base")
    study = small_study(base, arm, model=str(half_trained), model_options=OPTIONS)
    run(study, tmp_path)
    first, second = (tmp_path / "seed0" / name / "model" for name in ("base", "rl"))
    one, two = (load_file(path / "adapter_model.safetensors") for path in (first, second))
    assert one.keys() == two.keys()
    assert all(name.count("lora_") == 1 for name in one)
    near = [float((two[n] - one[n]).abs().max()) for n in one]
    assert 0 < max(near) < 0.1, "two steps away from the first arm"
    assert load(str(second), KERNELS).model.peft_config["default"].base_model_name_or_path == str(
        half_trained.resolve()
    )


def test_muon_is_refused_in_one_line(half_trained: Path, tmp_path: Path):
    with pytest.raises(UserError, match="muon") as error:
        trainer_of(loaded_of(half_trained), replace(SL, optimizer="muon"), tmp_path)
    assert "\n" not in str(error.value)
