"""The weights that every contestant begins each turn with: of a model, or random in a shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

from ..errors import UserError
from ..models.choose_kernels import apply, default_device, resolve
from ..models.codec import Codec
from ..models.kernels import Kernels
from ..models.loaded import LoadedModel
from ..models.loading import load
from ..models.shape import shape_from, shape_of
from ..models.tiny import tiny_tokenizer
from ..models.tiny_base import NAME as TINY_BASE
from ..models.tiny_base import tiny_base
from ..models.traits import Traits, numbers_cached
from ..planning.shapes import Shape
from .options import TrainOptions

PAD_ID, END_ID = 0, 1
"""Of the tiny preset's tokenizer."""
POSITIONS = 4096
"""Tokens that a random model has positions for."""


class Start(Protocol):
    """Makes the model that a turn begins with; the same weights each time."""

    @property
    def shape(self) -> Shape:
        """From which memory and arithmetic follow."""
        ...

    def load(self, kernels: Kernels, seed: int = 0) -> LoadedModel:
        """A model of its own for whoever asks, on this machine's device; `kernels` compute it."""
        ...


@dataclass(frozen=True)
class FromFolder:
    """A model that can be loaded; `tiny-base` has one for each seed."""

    model: str
    shape: Shape

    def load(self, kernels: Kernels, seed: int = 0) -> LoadedModel:
        """See `Start`."""
        name = str(tiny_base(seed)) if self.model == TINY_BASE else self.model
        loaded = load(name, kernels, default_device())
        apply(loaded.kernels)
        return loaded


@dataclass(frozen=True)
class Random:
    """Random weights under a configuration; prompts are characters, as in the tiny preset."""

    config: Any
    shape: Shape

    def load(self, kernels: Kernels, seed: int = 0) -> LoadedModel:
        """See `Start`."""
        device = default_device()
        kernels = resolve(kernels, device, Traits(cached_numbers=numbers_cached(self.config)))
        tokenizer = tiny_tokenizer(POSITIONS)
        torch.manual_seed(seed)
        with torch.device(device):
            model = AutoModelForCausalLM.from_config(
                self.config, attn_implementation=kernels.attention, dtype=torch.float32
            )
        model.generation_config.pad_token_id = PAD_ID
        model.generation_config.eos_token_id = END_ID
        apply(kernels)
        return LoadedModel(model, Codec(tokenizer, frozenset({END_ID}), PAD_ID), kernels)


def start_of(options: TrainOptions) -> Start:
    """What the contestants begin with.

    Raises:
        UserError: there is no such model or shape.
    """
    if not options.random:
        return FromFolder(options.model, _shape_of_model(options.model))
    config = _config_of(options)
    if options.layers:
        config.num_hidden_layers = options.layers
        config.layer_types = None  # else as many as there were before
        config = type(config)(**config.to_dict())
    with torch.device("meta"):
        made = AutoModelForCausalLM.from_config(config)
    count = sum(parameter.numel() for parameter in made.parameters())
    shape = shape_from(options.named, config, count)
    return Random(config, replace(shape, qkv_bias=config.model_type == "qwen2"))


def _shape_of_model(model: str) -> Shape:
    if model == "tiny":
        raise UserError("the tiny preset knows nothing yet: take tiny-base, or a shape (wide96)")
    return shape_of(model)


def _config_of(options: TrainOptions) -> Any:
    width = options.model.removeprefix("wide")
    if Path(options.model).is_dir():
        try:
            config = AutoConfig.from_pretrained(options.model, local_files_only=True)
        except Exception as error:  # torn files raise whatever their format's reader raises
            raise UserError(f"{options.model} has no config.json that can be read") from error
        config = config.get_text_config()
        config.pad_token_id, config.bos_token_id, config.eos_token_id = PAD_ID, None, END_ID
        return config
    if width.isdecimal():
        if int(width) < 32 or int(width) % 32:
            raise UserError(f"wideN needs a multiple of 32, not {width}")
        heads = int(width) // 32
        shape = Shape(6, int(width), heads, heads, 32, 4 * int(width), 1000, True)
    else:
        shape = shape_of(options.model)
    return _configuration(shape)


def _configuration(shape: Shape) -> Any:
    """The configuration of transformers that has a shape of the planner's table."""
    kind: Any = Qwen3Config if shape.qk_norm else Qwen2Config if shape.qkv_bias else LlamaConfig
    return kind(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        head_dim=shape.head_size,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=shape.tied,
        pad_token_id=PAD_ID,
        bos_token_id=None,
        eos_token_id=END_ID,
    )
