"""Putting the weights of a checkpoint back, for every architecture."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from ..errors import UserError
from ..models.lora import ADAPTER, adapted
from .sharded import in_shards, whole_from_shards
from .zero import in_zero_shards, whole_from_zero


def restore_weights(model: PreTrainedModel, checkpoint: Path) -> None:
    """Every weight of `model` as it was when `checkpoint` was saved, or a `UserError`.

    Saving renames the weights of some architectures (experts that are kept as one tensor, heads
    under another name), and only `from_pretrained` undoes that; `load_state_dict` on the file
    would leave such weights as they are. The checkpoint may be that of a run with sharded weights;
    those of `model` are whole.
    """
    if in_shards(checkpoint):
        whole_from_shards(model, checkpoint)
        return
    if in_zero_shards(checkpoint):
        whole_from_zero(model, checkpoint)
        return
    if adapted(model):
        _restore_adapters(model, checkpoint)
        return
    loader: Any = type(model)
    saved, found = loader.from_pretrained(
        checkpoint, config=deepcopy(model.config), dtype=model.dtype,
        attn_implementation="eager", output_loading_info=True,
    )  # fmt: skip
    lost = sorted({*found["missing_keys"], *found["unexpected_keys"], *found["mismatched_keys"]})
    if lost:
        raise UserError(f"{checkpoint} does not hold the weights of this model: {lost[0]}, ...")
    model.load_state_dict(saved.state_dict())


def _restore_adapters(model: nn.Module, checkpoint: Path) -> None:
    from peft import set_peft_model_state_dict
    from peft.utils.save_and_load import load_peft_weights

    found = set_peft_model_state_dict(model, load_peft_weights(str(checkpoint)))
    # A frozen copy of the first adapters (`ref`) is not saved; it is made anew.
    lost = [name for name in found.missing_keys if "lora" in name and f".{ADAPTER}" in name]
    lost += list(found.unexpected_keys)
    if lost:
        raise UserError(f"{checkpoint} does not hold the adapters of this model: {lost[0]}, ...")
