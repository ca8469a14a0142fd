"""A model with a chat template, of another architecture than the presets."""

from __future__ import annotations

import pytest

from .small import TEMPLATE


@pytest.fixture(scope="session")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from rlskills.models.tiny import tiny_tokenizer

    folder = tmp_path_factory.mktemp("chat")
    tokenizer = tiny_tokenizer(256)
    tokenizer.chat_template = TEMPLATE
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256,
        eos_token_id=1, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):  # not what the tests before have left
        torch.manual_seed(0)
        Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
