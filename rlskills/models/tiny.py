"""The tiny preset: a character tokenizer and a small Llama decoder, made from scratch.

Both are saved in the ordinary formats (`tokenizer.json`, `config.json`, `model.safetensors`), so
that `AutoTokenizer` and `AutoModelForCausalLM` load them like any other model.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as library_logging

PAD, EOS, UNKNOWN = "<pad>", "<eos>", "<unk>"
CHARACTERS = sorted(set(string.printable) - set("\t\r\x0b\x0c"))


@dataclass(frozen=True)
class TinyConfig:
    """Shape of the tiny decoder; the default has about 0.45 million parameters."""

    hidden: int = 96
    layers: int = 3
    heads: int = 4
    max_length: int = 512
    """Tokens of prompt and completion together."""


def tiny_tokenizer(max_length: int = TinyConfig.max_length) -> PreTrainedTokenizerFast:
    """One token for each printable ASCII character, and three special ones."""
    vocabulary = {token: i for i, token in enumerate([PAD, EOS, UNKNOWN, *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    # Specials are matched before the split, so this splits what is left into characters.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNKNOWN,
        padding_side="left",
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )


def tiny_model(config: TinyConfig, vocabulary_size: int, seed: int) -> LlamaForCausalLM:
    """A freshly initialised decoder; the same seed gives the same weights."""
    llama = LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=config.hidden,
        intermediate_size=4 * config.hidden,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        max_position_embeddings=config.max_length,
        tie_word_embeddings=True,
        attention_dropout=0.0,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(llama)
    model.generation_config.pad_token_id = 0
    model.generation_config.eos_token_id = 1
    return model


def save_tiny(folder: Path, seed: int, config: TinyConfig | None = None) -> Path:
    """Write an untrained tiny model and its tokenizer to `folder`, and return it."""
    library_logging.disable_progress_bar()
    config = config or TinyConfig()
    tokenizer = tiny_tokenizer(config.max_length)
    tiny_model(config, len(tokenizer), seed).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
