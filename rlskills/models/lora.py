"""Adapters: small trained matrices beside weights that stay as they are, by PEFT.

Hu et al. 2021, LoRA, arXiv 2106.09685. A folder of adapters holds PEFT's own files, the tokenizer
and `base.json`, which says what they belong on; `rlskills export` merges both into one model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from .identity import identity_of
from .options import LoraOptions

CONFIG, NOTE = "adapter_config.json", "base.json"
ADAPTER = "default"
"""PEFT's name of the adapters that are trained; TRL keeps a frozen copy beside them as `ref`."""


@dataclass(frozen=True)
class Base:
    """The model that adapters belong on."""

    model: str
    """Its name, or its folder."""
    revision: str = ""
    dtype: str = "float32"
    """Of its weights."""
    identity: str = ""
    """What `identity_of` says of it; empty: not known."""
    beside: str = ""
    """Its folder as seen from the folder of the adapters: both may be moved together."""


def require_peft() -> None:
    """A `UserError` where the package is missing."""
    if find_spec("peft") is None:
        raise UserError("adapters need the package peft: pip install 'rlskills[lora]'")


def adapted(model: Any) -> bool:
    """Whether a model has adapters."""
    return hasattr(model, "peft_config")


def base_of(model: str) -> Base | None:
    """What the adapters in a folder belong on; None where it holds none."""
    folder = Path(model)
    if not (folder / CONFIG).is_file():
        return None
    try:
        if not (folder / NOTE).is_file():  # adapters that another program has made
            config = json.loads((folder / CONFIG).read_text())
            return Base(config["base_model_name_or_path"], config.get("revision") or "")
        base = Base(**json.loads((folder / NOTE).read_text()))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"cannot read which model the adapters in {folder} belong on") from error
    moved = folder / base.beside
    here = str(moved) if base.beside and not Path(base.model).is_dir() and moved.is_dir() else ""
    base = Base(here or base.model, base.revision, base.dtype, base.identity, base.beside)
    if base.identity and identity_of(base.model) != base.identity:
        raise UserError(
            f"the adapters in {folder} belong on other weights than {base.model} has now"
        )
    return base


def add_adapters(model: Any, options: LoraOptions, revision: str, seed: int) -> Any:
    """`model` with new adapters, which change nothing yet; only they are trained.

    The seed decides their first matrices; the second ones are 0. Layers that the model does not
    have, and its head (which TRL's losses read past adapters), are a `UserError`.
    """
    require_peft()
    from peft import LoraConfig, get_peft_model

    head = {n for n, part in model.named_modules() if part is model.get_output_embeddings()}
    if named := head.intersection(options.targets):
        raise UserError(f"lora.targets: {named.pop()} is the model's head, which takes no adapter")
    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha or 2 * options.rank,  # pyright: ignore[reportArgumentType]
        lora_dropout=options.dropout,
        target_modules=list(options.targets) or "all-linear",
        task_type="CAUSAL_LM",
        revision=revision or None,
    )
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return get_peft_model(model, config)
    except ValueError as error:
        raise UserError(f"lora.targets: {_first_line(error)}") from error


def attach(model: Any, folder: str, options: LoraOptions) -> Any:
    """`model` with the adapters in `folder`, which can be trained on.

    New adapters cannot be added beside them: options that ask for another rank are a `UserError`.
    """
    require_peft()
    from peft import PeftModel

    try:
        found = PeftModel.from_pretrained(model, folder, is_trainable=True)
    except Exception as error:  # torn files raise whatever their format's reader raises
        raise UserError(f"cannot load the adapters in {folder}: {_first_line(error)}") from error
    rank = getattr(found.peft_config[ADAPTER], "r", 0)
    if options.rank not in (0, rank):
        raise UserError(
            f"{folder} has adapters of rank {rank}, lora.rank is {options.rank}; merge them first "
            "(rlskills export) to begin new ones"
        )
    return found


def save_adapters(model: Any, folder: Path, place: Path) -> None:
    """Write the trained adapters of `model` to `folder`, which will be moved to `place`."""
    model.save_pretrained(folder, selected_adapters=[ADAPTER], save_embedding_layers=False)
    config = json.loads((folder / CONFIG).read_text())
    name, revision = config["base_model_name_or_path"], config.get("revision") or ""
    beside = ""
    if Path(name).is_dir():
        beside = os.path.relpath(name, place)
        name = config["base_model_name_or_path"] = str(Path(name).resolve())
    # PEFT writes sets in the order of their hashes, which differs from process to process.
    names = config["target_modules"]
    config["target_modules"] = sorted(names) if isinstance(names, list) else names
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    dtype = str(model.get_base_model().dtype).removeprefix("torch.")
    note = Base(name, revision, dtype, identity_of(name), beside)
    (folder / NOTE).write_text(json.dumps(asdict(note), indent=1) + "\n")


def merged(model: Any) -> Any:
    """An ordinary float32 model that computes what `model` does; adapters are added to weights."""
    whole = model.float()
    return whole.merge_and_unload() if adapted(whole) else whole


@torch.no_grad()
def merged_weights(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and weight of every parameter below the adapters of `model`, what they add included.

    One at a time, under the names and in the types that the model has without adapters; `model`
    stays as it is.
    """
    whole = model.get_base_model()
    layers = {
        id(layer.get_base_layer().weight): layer
        for layer in whole.modules()
        if hasattr(layer, "get_delta_weight")
    }
    for name, weight in whole.named_parameters():
        if model.prefix in name:
            continue
        found = weight.data
        if layer := layers.get(id(weight)):
            for adapter in layer.active_adapters:
                found = found + layer.get_delta_weight(adapter).to(found.device)
        yield name.replace(".base_layer", ""), found.to(weight.dtype)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
