"""The shape of a model by its size or name, or read from its configuration, without weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UserError
from ..planning.shapes import SHAPES, SIZES, Shape, known
from .tiny_base import NAME as TINY_BASE

EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
"""What configurations call the number of experts."""


def shape_of(model: str) -> Shape:
    """By a size or a name of the table, else counted from the `config.json` of a folder, or of a
    name whose files are in the hub's cache.

    Raises:
        UserError: nothing is known of it here, or it is not a dense decoder.
    """
    if model in ("tiny", TINY_BASE):
        return _read("tiny")
    if Path(model).is_dir():
        return _read(model)
    if name := known(model):
        return SHAPES[name]
    if "/" in model:
        return _read(model)
    raise _unknown(model)


def hub_name(model: str) -> str:
    """What `rlskills run --model` would be told: the model that a size stands for."""
    name = None if Path(model).is_dir() or "/" in model else known(model)
    return name or model


def _read(model: str) -> Shape:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from .tiny import TinyConfig, tiny_model, tiny_tokenizer

    try:
        with torch.device("meta"):
            if model == "tiny":
                made: Any = tiny_model(TinyConfig(), len(tiny_tokenizer()), 0)
            else:
                config = AutoConfig.from_pretrained(model, local_files_only=True)
                made = AutoModelForCausalLM.from_config(config)
    except Exception as error:  # torn files raise whatever their format's reader raises
        raise _unknown(model) from error
    count = sum(parameter.numel() for parameter in made.parameters())
    return shape_from(model, made.config.get_text_config(), count)


def shape_from(model: str, config: Any, count: int) -> Shape:
    """What a configuration of transformers says, of a model with `count` parameters."""
    if any((getattr(config, name, None) or 0) > 1 for name in EXPERTS):
        raise UserError(f"{model} is a mixture of experts; only dense models are planned for")
    try:
        heads, hidden = config.num_attention_heads, config.hidden_size
        return Shape(
            layers=config.num_hidden_layers,
            hidden=hidden,
            heads=heads,
            key_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_size=getattr(config, "head_dim", None) or hidden // heads,
            intermediate=getattr(config, "intermediate_size", None) or 4 * hidden,
            vocabulary=config.vocab_size,
            tied=bool(getattr(config, "tie_word_embeddings", False)),
            qk_norm=config.model_type == "qwen3",
            counted=count,
        )
    except (AttributeError, TypeError) as error:
        raise UserError(f"the configuration of {model} does not say its shape: {error}") from error


def _unknown(model: str) -> UserError:
    return UserError(
        f"nothing is known here of the size of {model!r}: name a model folder, a size "
        f"({', '.join(SIZES)}), or one of {', '.join(SHAPES)}"
    )
