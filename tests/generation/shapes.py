"""Small random models of every kind that our own decoder knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from rlskills.generation.decoder import Decoder
from rlskills.generation.llama_cpu import read_prompts

KINDS: dict[str, tuple[Any, Any]] = {
    "llama": (LlamaForCausalLM, LlamaConfig),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config),
}
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {}),
    "llama, tied": ("llama", {"tie_word_embeddings": True}),
    "llama, grouped": ("llama", {"num_key_value_heads": 2}),
    "llama, one head of keys": ("llama", {"num_key_value_heads": 1}),
    "llama, wide heads": ("llama", {"head_dim": 32}),
    "llama, narrow heads": ("llama", {"head_dim": 4, "num_key_value_heads": 2}),
    "llama, biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama, above small": ("llama", {"hidden_size": 144, "intermediate_size": 200}),
    "llama, grouped, above small": (
        "llama",
        {"hidden_size": 144, "num_key_value_heads": 2, "tie_word_embeddings": True},
    ),
    "qwen2": ("qwen2", {"num_key_value_heads": 2, "tie_word_embeddings": True}),
    "qwen2, above small": ("qwen2", {"hidden_size": 144, "num_key_value_heads": 2}),
    "qwen3": ("qwen3", {"head_dim": 16, "num_key_value_heads": 2}),
    "qwen3, ungrouped": ("qwen3", {"head_dim": 24, "rope_theta": 1e6}),
    "qwen3, above small": ("qwen3", {"hidden_size": 144, "head_dim": 64, "attention_bias": True}),
}
"""Kind and settings of what it computes."""
PROMPTS = [[5, 9, 11], [7], [3, 4, 8, 20, 21, 22, 30], [12, 12]]


def made(kind: str, **settings: Any) -> Any:
    """A model with random weights, biases and norms, large enough for logits to differ."""
    model_class, config_class = KINDS[kind]
    plain = {
        "vocab_size": 40, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 4, "bos_token_id": 0, "eos_token_id": 1,
        "pad_token_id": 0,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):  # not what the tests before have left
        torch.manual_seed(0)
        model = model_class(config_class(**(plain | settings))).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            wide = 0.3 if weight.ndim == 1 else 2 * weight.shape[1] ** -0.5
            weight.add_(wide * torch.randn(weight.shape, generator=generator))
    return model


def stepwise(model: Any, prompts: Sequence[list[int]], replies: Sequence[list[int]]) -> Tensor:
    """Our logits (rows, length + 1, vocabulary) before each token of equally long replies."""
    length = len(replies[0])
    with torch.inference_mode():
        decoder = Decoder(model, len(prompts))
        logits, position = read_prompts(decoder, prompts, model.device)
        decoder.spread(1, length)
        found = [logits]
        for step in range(length):
            token = torch.tensor([[reply[step]] for reply in replies])
            position = position + 1
            found.append(decoder.step(token, position))
    return torch.stack(found, 1)


def of_library(model: Any, prompts: Sequence[list[int]], replies: Sequence[list[int]]) -> Tensor:
    """The library's, each row by itself and without a cache."""
    with torch.inference_mode():
        return torch.stack(
            [
                model(torch.tensor([prompt + reply])).logits[0, len(prompt) - 1 :]
                for prompt, reply in zip(prompts, replies, strict=True)
            ]
        )
