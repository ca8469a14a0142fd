"""Loading a model by preset, name or folder, checked before anything is spent on it.

`tiny`, `tiny-base` and `smollm2` are presets; anything else is handed to transformers.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging as library_logging

from ..errors import UserError
from .choose_kernels import resolve
from .codec import Codec, turn_end
from .kernels import Kernels
from .loaded import LoadedModel
from .lora import add_adapters, attach, base_of
from .options import ModelOptions
from .smollm2 import smollm2_folder
from .tiny_base import NAME as TINY_BASE
from .tiny_base import tiny_base
from .traits import traits_of
from .varlen import register

PRESETS = ("tiny", TINY_BASE, "smollm2")


def load(
    name: str,
    kernels: Kernels,
    device: torch.device | str = "cpu",
    options: ModelOptions | None = None,
    seed: int = 0,
) -> LoadedModel:
    """The model `name` with all that decides what it says; what `kernels` leave open is chosen.

    Weights are float32, so that small updates move them; `kernels.compute` decides the precision
    of matrix products. What the folder's generation config sets besides ends is dropped: the
    policy that is trained is the one that is evaluated. A folder of adapters is loaded with the
    model that they belong on; `seed` decides new adapters.
    """
    library_logging.disable_progress_bar()
    options = options or ModelOptions()
    folder = folder_of(name)
    base = base_of(folder)
    if base:
        options = replace(options, revision=base.revision)
    weights, dtype = (base.model, base.dtype) if base else (folder, options.base_dtype)
    kernels = resolve(kernels, torch.device(device).type, traits_of(weights, options.revision))
    register()
    own = not base or (Path(folder) / "tokenizer_config.json").is_file()
    tokenizer = _from_pretrained(AutoTokenizer, folder if own else weights, options)
    model = _from_pretrained(
        AutoModelForCausalLM, weights, options,
        attn_implementation=kernels.attention, dtype=getattr(torch, dtype),
    )  # fmt: skip
    ends = end_tokens(model, tokenizer)
    pad = _check_tokens(model, tokenizer, ends)
    tokenizer.padding_side, tokenizer.pad_token_id = "left", pad
    # Trainers compare these with the tokenizer's, and print a notice where they differ.
    model.config.pad_token_id, model.config.bos_token_id = pad, tokenizer.bos_token_id
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=sorted(ends), pad_token_id=pad
    )
    codec = Codec(tokenizer, ends, pad, options.system_prompt, options.template_variables)
    if base:
        model = attach(model, folder, options.lora)
    elif options.lora.rank:
        model = add_adapters(model, options.lora, options.revision, seed)
    return LoadedModel(model.to(device), codec, kernels, name, options)


def folder_of(name: str) -> str:
    """Where the files of a model are: the folder of a preset, else the name itself."""
    if name == "tiny":
        raise UserError("the tiny preset is made by a recipe; name the model/ folder of a run")
    if name == TINY_BASE:
        return str(tiny_base())
    return str(smollm2_folder()) if name == "smollm2" else name


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every id that ends a completion, wherever the model's folder names it.

    Configurations and tokenizers of one model often name different ones, and templates close turns
    with yet another; a completion ends at any of them.
    """
    named = [
        model.generation_config.eos_token_id,
        model.config.get_text_config().eos_token_id,
        tokenizer.eos_token_id,
        turn_end(tokenizer),
    ]
    ends: set[int] = set()
    for value in named:
        ends.update(value if isinstance(value, list) else [] if value is None else [value])
    return frozenset(ends)


def _check_tokens(model: Any, tokenizer: Any, ends: frozenset[int]) -> int:
    """The id that pads; a `UserError` where tokenizer and model do not belong together."""
    if not ends:
        raise UserError(
            "the model has no end token: neither generation_config.json, config.json, the "
            "tokenizer nor its chat template names one"
        )
    rows = model.get_input_embeddings().weight.shape[0]
    pad = tokenizer.pad_token_id
    beyond = {token for token in tokenizer.get_vocab().values() if token >= rows}
    if beyond - {pad} or max(ends) >= rows:
        raise UserError(
            f"the tokenizer has {len(tokenizer)} tokens, the model {rows} embeddings; "
            "resize the embeddings (model.resize_token_embeddings) and save it again"
        )
    return pad if pad is not None and pad < rows else min(ends)


def _from_pretrained(loader: Any, model: str, options: ModelOptions, **more: Any) -> Any:
    if not Path(model).is_dir() and (model.startswith((".", "/")) or model.count("/") > 1):
        raise UserError(f"no such model folder: {model}")
    try:
        return loader.from_pretrained(model, revision=options.revision or "main", **more)
    except Exception as error:  # torn files raise whatever their format's reader raises
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        presets = ", ".join(f"'{preset}'" for preset in PRESETS)
        hint = "" if Path(model).is_dir() else f" (the presets are {presets})"
        raise UserError(f"cannot load model {model!r}{hint}: {reason}") from error
