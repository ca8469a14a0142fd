"""Every path through flash attention, on a CPU with a stand-in for the package."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from rlskills.cli.entry import main
from rlskills.console import Console
from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import evaluate
from rlskills.evaluation.settings import EvalConfig
from rlskills.experiments import ArmConfig, Machine, RunConfig, Study, Supervision
from rlskills.experiments.runner import run_study
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import uniform

from .chat_models import Say, chat_tokenizer, save_model
from .flash import BOUNDARIES, install

FLASH = Kernels("flash_attention_2", "highest", "bfloat16")
MACHINE = Machine(threads=1, attention="flash_attention_2", compute="bfloat16")
LITTLE: dict[str, Any] = {"max_steps": 1, "eval_every": 0, "save_every": 1, "learning_rate": 1e-6}
SFT = SFTSettings(batch_size=4, **LITTLE)
VARIED = Path(__file__).with_name("varied.py")
RL = RLSettings(
    prompts_per_step=2, group_size=4, max_new_tokens=6, treatments=(f"{VARIED}:Varied",), **LITTLE
)  # fmt: skip
ARCHITECTURES = {
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, {"num_key_value_heads": 2}),
    "llama": (LlamaForCausalLM, LlamaConfig, {}),
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    return install(monkeypatch)


@pytest.fixture(params=ARCHITECTURES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    model, config, more = ARCHITECTURES[request.param]
    return save_model(tmp_path / "model", model, config, chat_tokenizer(), ends=2, **more)


def study_of(folder: Path | str, *arms: ArmConfig) -> Study:
    sets = tuple(make_eval_sets({"say": Say()}, (1,), 4))
    return Study("flash", "", arms, sets, EvalConfig(6, 2), curve_tasks=2, model=str(folder))


def run(study: Study, output: Path) -> None:
    run_study(study, RunConfig(output=output, machine=MACHINE), Console(quiet=True))


def test_evaluation_goes_through_it(calls: Counter[str], folder: Path):
    loaded = load(str(folder), FLASH)
    assert loaded.model.dtype is torch.float32
    evaluate(loaded, make_eval_sets({"say": Say()}, (1,), 3), EvalConfig(5, 2))
    assert calls["dense"] + calls["varlen"] > 0


@pytest.mark.parametrize("method", ["sft", "rl"])
def test_training_goes_through_it_and_moves_every_weight(
    calls: Counter[str], folder: Path, tmp_path: Path, method: str
):
    """At the learning rate of large models, below half the spacing of bf16 weights."""
    stream = uniform(Say(), "train", (1,), 0)
    settings = {"sft": SFT, "rl": RL}[method]
    run(study_of(folder, ArmConfig("arm", Supervision.ANSWERS, settings, stream)), tmp_path / "out")
    assert calls["varlen"] > 0
    before = load_file(folder / "model.safetensors")
    after = load_file(tmp_path / "out/seed0/arm/model/model.safetensors")
    checked = 0
    for name, weights in before.items():
        assert after[name].dtype is torch.float32
        if "embed" in name or "head" in name:
            continue  # most tokens of the vocabulary do not occur, and get no gradient
        moved = (after[name] != weights).float().mean().item()
        assert moved > 0.99, (name, moved)
        checked += 1
    assert checked > 10


def test_the_tiny_preset_trains_and_is_evaluated_under_it(calls: Counter[str], tmp_path: Path):
    stream = uniform(Say(), "train", (1,), 0)
    run(
        study_of("tiny", ArmConfig("base", Supervision.NONE),
                 ArmConfig("sft", Supervision.ANSWERS, SFT, stream, "base"),
                 ArmConfig("rl", Supervision.ANSWERS, RL, stream, "sft")),
        tmp_path,
    )  # fmt: skip
    assert calls["varlen"] > 0
    for arm in ("base", "sft", "rl"):
        assert (tmp_path / "seed0" / arm / "evaluation.json").exists()


def test_a_run_killed_behind_its_last_update_is_finished(
    calls: Counter[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stream = uniform(Say(), "train", (1,), 0)
    study = study_of(folder, ArmConfig("arm", Supervision.ANSWERS, SFT, stream))
    from rlskills.experiments.evaluator import Evaluator

    with monkeypatch.context() as patched:
        patched.setattr(Evaluator, "final", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(study, tmp_path / "out")
    assert not (tmp_path / "out/seed0/arm/evaluation.json").exists()
    run(study, tmp_path / "out")
    assert (tmp_path / "out/seed0/arm/evaluation.json").exists()


def test_float32_is_refused_before_anything_is_loaded():
    with pytest.raises(UserError, match="half precision only"):
        Machine(attention="flash_attention_2", compute="float32")


def test_base_arms_and_curve_are_computed_in_one_precision(tmp_path: Path, monkeypatch):
    """The type of the first layer's output, in every forward pass of a run under bfloat16."""
    folder = save_model(tmp_path / "model", Qwen3ForCausalLM, Qwen3Config, chat_tokenizer(), ends=2)
    seen: list[torch.dtype] = []
    forward = torch.nn.Linear.forward

    def noted(self: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        out = forward(self, x)
        if self.out_features == 128:  # an MLP's, in every pass
            seen.append(out.dtype)
        return out

    monkeypatch.setattr(torch.nn.Linear, "forward", noted)
    stream = uniform(Say(), "train", (1,), 0)
    base = ArmConfig("base", Supervision.NONE)
    arm = ArmConfig("rl", Supervision.ANSWERS, replace(RL, eval_every=1), stream, "base")
    machine = Machine(threads=1, attention="sdpa", precision="highest", compute="bfloat16")
    run_study(
        study_of(folder, base, arm), RunConfig(output=tmp_path / "out", machine=machine),
        Console(quiet=True),
    )  # fmt: skip
    assert len(seen) > 20
    assert set(seen) == {torch.bfloat16}


def test_demonstrations_are_told_apart_without_asking_the_device(
    calls: Counter[str], folder: Path, tmp_path: Path
):
    """All demonstrations of an update in one row, whose boundaries are given with it."""
    from rlskills.training.sft import SFT as Trainer

    loaded = load(str(folder), FLASH)
    trainer = Trainer(loaded, uniform(Say(), "train", (1,), 0), SFT, tmp_path)
    batch = next(iter(trainer))
    assert len(batch["input_ids"]) == 1
    with torch.no_grad(), loaded.autocast():
        loaded.model(**batch)
    begins = batch["position_ids"][0].eq(0).nonzero().flatten().tolist()
    assert len(begins) == SFT.batch_size
    assert [[*begins, batch["input_ids"].shape[1]]] * 2 == BOUNDARIES
    assert batch["max_length_q"] == max(b - a for a, b in itertools.pairwise(begins))


@pytest.mark.torture
def test_the_quickstart_goes_through_it(calls: Counter[str], tmp_path: Path):
    few = ["--grpo.max-steps=1", "--sft.max-steps=1", "--grpo.prompts-per-step=2"]
    few += ["--sft.batch-size=8", "--eval-tasks=2", "--samples=1", "--machine.threads=1"]
    flash = ["--machine.attention=flash_attention_2", "--machine.compute=bfloat16"]
    main(["run", "quickstart", "--quick", "--output", str(tmp_path), *few, *flash])
    assert calls["varlen"] > 0
    for arm in ("base", "grpo", "sft_answers"):
        assert (tmp_path / "seed0" / arm / "evaluation.json").exists()
        about = json.loads((tmp_path / "seed0" / arm / "run.json").read_text())
        assert about["kernels"]["attention"] == "flash_attention_2"
