"""A resume puts back every weight, whatever saving renamed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

from rlskills.console import Console
from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.experiments import ArmConfig, EvalConfig, Machine, RunConfig, Study, Supervision
from rlskills.experiments.runner import run_study
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.training.settings import RLSettings
from rlskills.training.stream import uniform
from rlskills.training.trl import RLTrainer
from rlskills.training.weights import restore_weights

from ..models.chat_models import Say, save_model, tokenizer_of

ARCHITECTURES = {
    "llama": (LlamaForCausalLM, LlamaConfig, {"tie_word_embeddings": True}),
    "renamed head": (GPTNeoXForCausalLM, GPTNeoXConfig, {}),
    "experts": (
        Qwen3MoeForCausalLM, Qwen3MoeConfig,
        {"num_experts": 4, "moe_intermediate_size": 32, "num_experts_per_tok": 2},
    ),
}  # fmt: skip
VARIED = Path(__file__).parents[1] / "models/varied.py"
SETTINGS = RLSettings(
    max_steps=6, eval_every=0, save_every=2, learning_rate=1e-3, prompts_per_step=2, group_size=2,
    max_new_tokens=6, treatments=(f"{VARIED}:Varied",),
)  # fmt: skip


@pytest.fixture(params=ARCHITECTURES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    model, config, more = ARCHITECTURES[request.param]
    tokenizer = tokenizer_of(("<|endoftext|>",), eos_token="<|endoftext|>")
    return save_model(tmp_path / "model", model, config, tokenizer, ends=0, **more)


def test_every_weight_comes_back(folder: Path, tmp_path: Path):
    loaded = load(str(folder), Kernels("eager", "highest"))
    expected = {name: w.clone() for name, w in loaded.model.state_dict().items()}
    loaded.save(tmp_path / "saved")
    with torch.no_grad():
        for weight in loaded.model.parameters():
            weight.add_(1.0)
    restore_weights(loaded.model, tmp_path / "saved")
    for name, weight in loaded.model.state_dict().items():
        assert torch.equal(weight, expected[name]), name


def test_a_stopped_run_ends_as_one_that_was_not(folder: Path, tmp_path: Path, monkeypatch):
    sets = tuple(make_eval_sets({"say": Say()}, (1,), 2))

    def run(output: Path) -> None:
        arm = ArmConfig("arm", Supervision.ANSWERS, SETTINGS, uniform(Say(), "train", (1,), 0))
        study = Study("resume", "", (arm,), sets, EvalConfig(4), curve_tasks=1, model=str(folder))
        machine = Machine(threads=1, attention="eager", precision="highest")
        run_study(study, RunConfig(output=output, machine=machine), Console(quiet=True))

    run(tmp_path / "whole")
    step = RLTrainer.training_step
    with monkeypatch.context() as patched:

        def stopping(self, *args, **options):
            if self.state.global_step == 5:
                raise KeyboardInterrupt
            return step(self, *args, **options)

        patched.setattr(RLTrainer, "training_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "torn")
    assert (tmp_path / "torn/seed0/arm/checkpoints/checkpoint-4").exists()
    run(tmp_path / "torn")
    whole, torn = (
        load_file(tmp_path / name / "seed0/arm/model/model.safetensors")
        for name in ("whole", "torn")
    )
    assert whole.keys() == torn.keys()
    for name, weight in whole.items():
        assert torch.equal(weight, torn[name]), name


def test_a_checkpoint_of_another_model_is_refused(folder: Path, tmp_path: Path):
    other = save_model(
        tmp_path / "other", LlamaForCausalLM, LlamaConfig,
        tokenizer_of(("<|endoftext|>",), eos_token="<|endoftext|>"), ends=0, num_hidden_layers=1,
    )  # fmt: skip
    loaded = load(str(folder), Kernels("eager", "highest"))
    with pytest.raises(UserError, match="does not hold the weights of this model"):
        restore_weights(loaded.model, other)


def test_a_finished_run_is_reused_only_for_the_same_folder(folder: Path, tmp_path: Path):
    sets = tuple(make_eval_sets({"say": Say()}, (1,), 2))
    settings = replace(SETTINGS, max_steps=1)

    def run() -> None:
        arm = ArmConfig("arm", Supervision.ANSWERS, settings, uniform(Say(), "train", (1,), 0))
        study = Study("reuse", "", (arm,), sets, EvalConfig(4), curve_tasks=1, model=str(folder))
        machine = Machine(threads=1, attention="eager", precision="highest")
        run_study(study, RunConfig(output=tmp_path / "out", machine=machine), Console(quiet=True))

    run()
    config = folder / "generation_config.json"
    config.write_text(config.read_text().replace("{", '{ "max_length": 21,', 1))
    with pytest.raises(UserError, match=r"started from another .* choose another --output"):
        run()
