"""Adapters: what they change, what is written of them, and what they refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from rlskills.errors import UserError
from rlskills.generation.engine import SamplingParams
from rlskills.generation.llama_cpu import LlamaCPU
from rlskills.models.kernels import Kernels
from rlskills.models.loaded import LoadedModel
from rlskills.models.loading import load
from rlskills.models.lora import adapted, base_of, merged
from rlskills.models.options import LoraOptions, ModelOptions
from rlskills.models.traits import traits_of

KERNELS = Kernels("eager", "highest", "float32", batch_tokens=2**14)
IDS = torch.arange(3, 43).view(2, 20)
RANK4 = ModelOptions(lora=LoraOptions(rank=4))


def logits(loaded: LoadedModel) -> torch.Tensor:
    loaded.model.eval()
    with torch.no_grad():
        return loaded.model(input_ids=IDS).logits


def shaken(model: Path | str, options: ModelOptions = RANK4) -> LoadedModel:
    """A model whose adapters do something."""
    loaded = load(str(model), KERNELS, options=options)
    torch.manual_seed(1)
    for parameter in loaded.model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return loaded


def test_new_adapters_change_nothing_and_alone_are_trained(small_model: Path):
    plain, wrapped = load(str(small_model), KERNELS), load(str(small_model), KERNELS, options=RANK4)
    assert torch.equal(logits(plain), logits(wrapped))
    trained = {n: p for n, p in wrapped.model.named_parameters() if p.requires_grad}
    assert trained
    assert all("lora_" in name and p.dtype == torch.float32 for name, p in trained.items())
    layers = {name.split(".lora_")[0].rsplit(".", 1)[1] for name in trained}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    wrapped.model(input_ids=IDS, labels=IDS).loss.backward()
    moved = {n for n, p in wrapped.model.named_parameters() if p.grad is not None}
    assert moved == trained.keys()


def test_options_reach_the_adapters(small_model: Path):
    lora = LoraOptions(rank=2, alpha=3.0, targets=("q_proj",), dropout=0.25)
    model = load(str(small_model), KERNELS, options=ModelOptions(lora=lora)).model
    config = model.peft_config["default"]
    assert (config.r, config.lora_alpha, config.lora_dropout) == (2, 3.0, 0.25)
    assert all("q_proj" in name for name, p in model.named_parameters() if p.requires_grad)
    again = load(str(small_model), KERNELS, options=RANK4).model
    assert again.peft_config["default"].lora_alpha == 8, "twice the rank"


def test_the_seed_decides_new_adapters(small_model: Path):
    def first(seed: int) -> torch.Tensor:
        model = load(str(small_model), KERNELS, options=RANK4, seed=seed).model
        return next(p for name, p in model.named_parameters() if "lora_A" in name)

    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_folder_of_adapters_is_loaded_with_its_base(small_model: Path, tmp_path: Path):
    loaded = shaken(small_model)
    loaded.save(tmp_path / "a")
    assert not (tmp_path / "a" / "model.safetensors").exists()
    assert (tmp_path / "a" / "adapter_model.safetensors").exists()
    again = load(str(tmp_path / "a"), KERNELS)
    assert torch.equal(logits(again), logits(loaded))
    trained = [name for name, p in again.model.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    assert traits_of(str(tmp_path / "a")) == traits_of(str(small_model))
    assert base_of(str(small_model)) is None


def test_what_is_written_does_not_depend_on_the_order_of_sets(small_model: Path, tmp_path: Path):
    loaded = shaken(small_model)
    loaded.save(tmp_path / "a")
    targets = json.loads((tmp_path / "a" / "adapter_config.json").read_text())["target_modules"]
    assert targets == sorted(targets)


def test_base_and_adapters_can_move_together(small_model: Path, tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(small_model, old / "base")
    loaded = shaken(old / "base")
    loaded.save(old / "adapters")
    old.rename(new)
    assert torch.equal(logits(load(str(new / "adapters"), KERNELS)), logits(loaded))


def test_adapters_refuse_other_weights(small_model: Path, tmp_path: Path):
    shutil.copytree(small_model, tmp_path / "base")
    shaken(tmp_path / "base").save(tmp_path / "adapters")
    config = tmp_path / "base" / "config.json"
    config.write_text(config.read_text().replace('"rms_norm_eps"', '"rms_norm_epsilon"'))
    with pytest.raises(UserError, match="belong on other weights"):
        load(str(tmp_path / "adapters"), KERNELS)


def test_adapters_of_another_program_are_read_by_its_own_file(small_model: Path, tmp_path: Path):
    loaded = shaken(small_model)
    loaded.save(tmp_path / "a")
    (tmp_path / "a" / "base.json").unlink()
    assert torch.equal(logits(load(str(tmp_path / "a"), KERNELS)), logits(loaded))
    (tmp_path / "a" / "adapter_config.json").write_text("{}")
    with pytest.raises(UserError, match="which model the adapters"):
        load(str(tmp_path / "a"), KERNELS)


def test_merging_gives_an_ordinary_model_with_the_same_answers(small_model: Path):
    loaded = shaken(small_model)
    expected = logits(loaded)
    loaded.model = merged(loaded.model)
    assert not adapted(loaded.model)
    torch.testing.assert_close(logits(loaded), expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(expected, logits(load(str(small_model), KERNELS)), atol=1e-2)


def test_a_bfloat16_base_has_float32_adapters(small_model: Path, tmp_path: Path):
    options = ModelOptions(lora=LoraOptions(rank=4), base_dtype="bfloat16")
    loaded = shaken(small_model, options)
    kinds = {p.dtype for p in loaded.model.parameters() if p.requires_grad}
    assert kinds == {torch.float32}
    assert loaded.model.get_base_model().dtype == torch.bfloat16
    loaded.save(tmp_path / "a")
    again = load(str(tmp_path / "a"), KERNELS)
    assert torch.equal(logits(again), logits(loaded))
    expected = logits(loaded).float()
    loaded.model = merged(loaded.model)
    torch.testing.assert_close(logits(loaded), expected, rtol=0.05, atol=0.05)


def test_our_own_decoder_leaves_adapters_to_transformers(small_model: Path):
    reason = LlamaCPU(load(str(small_model), KERNELS, options=RANK4)).refuses(SamplingParams(1))
    assert reason
    assert "Peft" in reason


@pytest.mark.parametrize(
    ("lora", "words"),
    [
        ({"rank": 2, "targets": ("nowhere",)}, "nowhere"),
        ({"rank": 2, "targets": ("lm_head",)}, "head"),
        ({"rank": -1}, r"lora\.rank"),
        ({"rank": 1, "alpha": float("nan")}, r"lora\.alpha"),
        ({"rank": 1, "dropout": 1.0}, r"lora\.dropout"),
    ],
)
def test_adapters_that_cannot_be(small_model: Path, lora: dict[str, Any], words: str):
    with pytest.raises(UserError, match=words) as error:
        load(str(small_model), KERNELS, options=ModelOptions(lora=LoraOptions(**lora)))
    assert "\n" not in str(error.value)


def test_a_half_precision_base_without_adapters_is_refused():
    with pytest.raises(UserError, match="float32"):
        ModelOptions(base_dtype="bfloat16")


def test_other_adapters_cannot_begin_on_adapters(small_model: Path, tmp_path: Path):
    shaken(small_model).save(tmp_path / "a")
    with pytest.raises(UserError, match=r"rank 4, lora\.rank is 8"):
        load(str(tmp_path / "a"), KERNELS, options=ModelOptions(lora=LoraOptions(rank=8)))


def test_without_the_package_there_is_one_clear_line(small_model: Path, monkeypatch):
    monkeypatch.setattr("rlskills.models.lora.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"rlskills\[lora\]"):
        load(str(small_model), KERNELS, options=RANK4)
