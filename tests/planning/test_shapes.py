"""The table of shapes is that of the models, and a shape can be read from a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    PretrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from rlskills.errors import UserError
from rlskills.models.shape import hub_name, shape_of
from rlskills.planning.shapes import SHAPES, SIZES, Shape, known

KNOWN = {
    "Qwen/Qwen2.5-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen3-0.6B": 596_049_920,
    "Qwen/Qwen3-4B": 4_022_468_096,
    "Qwen/Qwen3-8B": 8_190_735_360,
    "Qwen/Qwen3-32B": 32_762_123_264,
    "meta-llama/Llama-3.1-8B-Instruct": 8_030_261_248,
    "meta-llama/Llama-3.3-70B-Instruct": 70_553_706_496,
}
"""As their pages on the hub say."""


def config_of(shape: Shape) -> PretrainedConfig:
    """The same as a configuration of transformers."""
    kind: Any = Qwen3Config if shape.qk_norm else Qwen2Config if shape.qkv_bias else LlamaConfig
    return kind(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, tie_word_embeddings=shape.tied,
        intermediate_size=shape.intermediate, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.key_heads,
        head_dim=shape.head_size,
    )  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_are_those_of_the_model(name: str):
    shape = SHAPES[name]
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config_of(shape))
    counts = {part: weight.numel() for part, weight in model.named_parameters()}
    assert shape.parameters == sum(counts.values()) == KNOWN.get(name, shape.parameters)
    assert shape.in_layers == sum(
        count for part, count in counts.items() if "embed" not in part and "lm_head" not in part
    )
    linear = [part for part in model.modules() if isinstance(part, torch.nn.Linear)]
    linear.remove(model.get_output_embeddings())
    assert shape.adapters(16) == 16 * sum(p.in_features + p.out_features for p in linear)


def test_sizes_and_names():
    assert all(name in SHAPES for name in SIZES.values())
    assert known("8b") == known("someone/qwen3-8B") == "Qwen/Qwen3-8B"
    assert known("smollm2") == SIZES["135M"]
    assert known("9B") is None
    assert hub_name("8B") == "Qwen/Qwen3-8B"
    assert hub_name("mine/Qwen3-8B") == "mine/Qwen3-8B"
    assert shape_of("70B").cached == 2 * 80 * 8 * 128


def test_a_folder_is_read_without_weights(tmp_path: Path):
    config_of(SHAPES["Qwen/Qwen3-0.6B"]).save_pretrained(tmp_path)
    shape = shape_of(str(tmp_path))
    assert shape.counted == shape.parameters == KNOWN["Qwen/Qwen3-0.6B"]
    assert shape.cached == SHAPES["Qwen/Qwen3-0.6B"].cached
    assert shape_of("tiny").parameters == 452_544


@pytest.mark.parametrize("text", ["{", "{}", '{"model_type": "nothing"}', "[]"])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, text: str):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match="nothing is known here") as error:
        shape_of(str(tmp_path))
    assert "\n" not in str(error.value)


def test_a_mixture_of_experts_is_refused(tmp_path: Path):
    settings = {"model_type": "mixtral", "num_hidden_layers": 1, "hidden_size": 32,
                "intermediate_size": 32, "num_attention_heads": 2, "vocab_size": 99,
                "num_local_experts": 4}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match="mixture of experts"):
        shape_of(str(tmp_path))
