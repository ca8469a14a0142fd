"""The kernel `torch_varlen` on a CPU, where every sequence goes through SDPA by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rlskills.console import Console
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.settings import EvalConfig
from rlskills.experiments import ArmConfig, Machine, RunConfig, Study, Supervision
from rlskills.experiments.runner import run_study
from rlskills.generation.engine import SamplingParams
from rlskills.models import varlen
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.training.logprobs import choose_form, packed_row
from rlskills.training.packing import boundaries
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import uniform

from ..generation.engines import ENDS, ids_of, other
from ..generation.shapes import PROMPTS, made
from ..training.test_logprobs import gradients, headed, padded, rows_of
from .chat_models import Say

VARLEN = Kernels(varlen.NAME, "highest", "float32", 2**13)
VARIED = Path(__file__).with_name("varied.py")
LITTLE: dict[str, Any] = {"max_steps": 2, "eval_every": 0, "save_every": 2, "learning_rate": 1e-3}


@pytest.fixture(autouse=True)
def registered() -> None:
    varlen.register()


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many sequences each row with boundaries had."""
    found: list[int] = []
    attend = varlen.attend

    def noted(module: Any, *qkv: Any, cu_seq_lens_q: Any = None, **more: Any) -> Any:
        if cu_seq_lens_q is not None:
            found.append(len(cu_seq_lens_q) - 1)
        return attend(module, *qkv, cu_seq_lens_q=cu_seq_lens_q, **more)

    monkeypatch.setattr(varlen, "attend", noted)
    varlen.register.cache_clear()
    varlen.register()
    yield found
    monkeypatch.undo()
    varlen.register.cache_clear()
    varlen.register()


@pytest.mark.parametrize("name", ["llama, grouped", "qwen2", "qwen3"])
def test_a_packed_row_is_what_padded_rows_give(name: str, rows: list[int]):
    batch = rows_of()
    expected = padded(headed(name), *batch)
    model = headed(name, varlen.NAME)
    assert choose_form(model, VARLEN) is packed_row
    found = packed_row(model, *batch)
    assert rows == [len(batch[0])] * 2  # two layers
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)
    ours = gradients(model, found)
    reference = headed(name)
    for weight, gradient in gradients(reference, padded(reference, *batch)).items():
        scale = gradient.abs().max().item()
        torch.testing.assert_close(ours[weight], gradient, atol=1e-4 * scale + 1e-6, rtol=1e-4)


def test_a_window_hides_what_lies_before_it():
    settings: dict[str, Any] = {
        "use_sliding_window": True, "sliding_window": 3, "max_window_layers": 0,
    }  # fmt: skip
    found = []
    for attention in ("eager", varlen.NAME):
        model = made("qwen2", **settings)
        assert set(model.config.layer_types) == {"sliding_attention"}
        model.set_attn_implementation(attention)
        ids = torch.tensor([[5, 9, 11, 3, 4, 8, 20, 21, 22, 30, 7, 2]])
        positions = torch.cat([torch.arange(7), torch.arange(5)])[None]
        bounds = boundaries([7, 5]) if attention == varlen.NAME else {}
        with torch.no_grad():
            found.append(model(ids, position_ids=positions, use_cache=False, **bounds).logits)
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-5)


def test_sequences_without_boundaries_are_refused():
    model = made("llama")
    model.set_attn_implementation(varlen.NAME)
    positions = torch.tensor([[0, 1, 2, 0, 1]])
    with pytest.raises(ValueError, match="boundaries"):
        model(torch.tensor([[5, 6, 7, 8, 9]]), position_ids=positions, use_cache=False)


def test_sampling_goes_through_sdpa():
    plain, model = made("llama"), made("llama")
    model.set_attn_implementation(varlen.NAME)
    params = SamplingParams(12, 0.0)
    expected, found = (other(m, ENDS).generate(PROMPTS, params, 0) for m in (plain, model))
    assert ids_of(found) == ids_of(expected)


@pytest.mark.parametrize("method", ["sft", "rl"])
def test_training_goes_through_it(rows: list[int], small_model: Path, tmp_path: Path, method: str):
    settings = {
        "sft": SFTSettings(batch_size=6, **LITTLE),
        "rl": RLSettings(
            prompts_per_step=3, group_size=4, max_new_tokens=6,
            treatments=(f"{VARIED}:Varied",), beta=0.1, **LITTLE,
        ),
    }[method]  # fmt: skip
    sets = tuple(make_eval_sets({"say": Say()}, (1,), 4))
    weights = []
    for attention in ("eager", varlen.NAME):
        arm = ArmConfig("arm", Supervision.ANSWERS, settings, uniform(Say(), "train", (1,), 0))
        study = Study(
            "varlen", "", (arm,), sets, EvalConfig(6, 2), curve_tasks=2, model=str(small_model)
        )
        machine = Machine(threads=1, attention=attention, precision="highest")
        folder = tmp_path / attention
        run_study(study, RunConfig(output=folder, machine=machine), Console(quiet=True))
        weights.append(load_file(folder / "seed0/arm/model/model.safetensors"))
    assert rows
    assert max(rows) > 1
    before = load_file(small_model / "model.safetensors")
    moved = torch.zeros(())
    for name, expected in weights[0].items():
        moved = (expected - before[name]).norm()
        assert (weights[1][name] - expected).norm() <= 0.02 * moved, (name, moved)
    assert moved > 0


def test_a_loaded_model_has_it(tmp_path: Path):
    from rlskills.models.tiny import save_tiny

    loaded = load(str(save_tiny(tmp_path / "model", 0)), VARLEN)
    assert loaded.model.config._attn_implementation == varlen.NAME
