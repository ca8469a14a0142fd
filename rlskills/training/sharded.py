"""Runs whose weights are sharded: what goes with that, and their checkpoints read without it.

Trainers of transformers write FSDP's checkpoints through accelerate: the weights and the state of
the optimizer, each as a folder with one part for every process (`SHARDED_STATE_DICT`), or as one
file (`FULL_STATE_DICT`). Both are read here into weights that are whole, for a run that goes on
without sharding or only has its last weights evaluated. DeepSpeed's are read by its own functions.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils.constants import FSDP_MODEL_NAME, OPTIMIZER_NAME
from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.optim import Optimizer
from transformers import Trainer

from ..errors import UserError
from ..models.lora import ADAPTER, adapted
from ..models.sharding import FSDP2, Shards, sharding
from .settings import Training
from .zero import Zero


def check_sharding(settings: Training) -> None:
    """A `UserError` for what cannot be trained as the launcher asks for."""
    kind = sharding()
    if kind == "fsdp1":
        raise UserError(
            "FSDP of version 1 is not supported: set fsdp_version: 2 in accelerate's configuration "
            "(recipes/accelerate/fsdp2.yaml)"
        )
    if kind == "fsdp2" and not hasattr(FSDPModule, "reset_iter_state"):
        raise UserError(f"fsdp2 needs a later torch than {torch.__version__} (2.13 is tested)")
    if kind == "fsdp2" and os.environ.get("FSDP_ACTIVATION_CHECKPOINTING", "false") == "true":
        raise UserError(
            "fsdp_activation_checkpointing is not supported: set it to false in accelerate's "
            "configuration, and take the setting gradient_checkpointing"
        )
    if kind and settings.optimizer == "muon":
        raise UserError(
            f"muon is for whole weight matrices, and {kind} shards them: take another optimizer "
            "(adamw), or recipes/accelerate/ddp.yaml"
        )


def check_goes_on(state: Mapping[str, Any], processes: int) -> None:
    """A `UserError` where a run cannot go on from a checkpoint with `state` beside it.

    Without sharding, and between numbers of processes under FSDP, it always can.
    """
    was, now = state.get("sharding", ""), sharding()
    before = state.get("processes", processes)
    same = was == now and (before == processes or not was.startswith("zero"))
    if not same and (now or was.startswith("zero")):
        raise UserError(
            f"the checkpoint was written by {before} processes {_under(was)} and cannot be gone on "
            f"from by {processes} {_under(now)}"
        )


def _under(kind: str) -> str:
    return f"under {kind}" if kind else "without sharding"


def reduce_in_float32(accelerator: Accelerator) -> None:
    """Have FSDP average gradients in float32 and leave outputs as they are, under bfloat16 too.

    accelerate would round both to bfloat16, and with the outputs every log-probability.
    """
    plugin = getattr(accelerator.state, "fsdp_plugin", None)
    policy = plugin.mixed_precision_policy if plugin else None
    if plugin and policy:
        plugin.mixed_precision_policy = replace(
            policy, reduce_dtype=torch.float32, output_dtype=None
        )


def shards_of(trainer: Trainer) -> Shards | None:
    """How a trainer of transformers has sharded the weights of its model."""
    if trainer.is_fsdp_enabled:
        return FSDP2(trainer.model)
    if trainer.is_deepspeed_enabled:
        return Zero(trainer.deepspeed, trainer.accelerator)
    return None


def in_shards(checkpoint: Path) -> bool:
    """Whether FSDP's weights are in a checkpoint."""
    name = checkpoint / FSDP_MODEL_NAME
    return name.with_name(f"{FSDP_MODEL_NAME}_0").is_dir() or name.with_suffix(".bin").is_file()


def whole_from_shards(model: nn.Module, checkpoint: Path) -> None:
    """Set the weights of `model`, which are whole, to those in a checkpoint of FSDP.

    Of a model with adapters these alone are in it.
    """
    file = checkpoint / f"{FSDP_MODEL_NAME}.bin"
    if file.is_file():
        found = torch.load(file, map_location="cpu", weights_only=True)
        model.load_state_dict(found, strict=not adapted(model))
    elif adapted(model):
        from peft import get_peft_model_state_dict, set_peft_model_state_dict

        wanted = {"model": get_peft_model_state_dict(model, adapter_name=ADAPTER)}
        _read(wanted, checkpoint / f"{FSDP_MODEL_NAME}_0")
        set_peft_model_state_dict(model, wanted["model"], adapter_name=ADAPTER)
    else:
        _read({"model": model.state_dict()}, checkpoint / f"{FSDP_MODEL_NAME}_0")


def optimizer_from_shards(model: nn.Module, optimizer: Optimizer, checkpoint: Path) -> None:
    """Set the state of an `optimizer` of whole weights to that in a checkpoint of FSDP."""
    from torch.distributed.checkpoint.state_dict import (
        get_optimizer_state_dict,
        set_optimizer_state_dict,
    )

    file = checkpoint / f"{OPTIMIZER_NAME}.bin"
    if file.is_file():
        found = torch.load(file, map_location="cpu", weights_only=True)
    else:
        wanted = {"optimizer": get_optimizer_state_dict(model, optimizer)}
        _read(wanted, checkpoint / f"{OPTIMIZER_NAME}_0")
        found = wanted["optimizer"]
    set_optimizer_state_dict(model, optimizer, found)


def _read(wanted: dict[str, Any], folder: Path) -> None:
    """Fill the tensors of `wanted` from the parts of all processes in `folder`."""
    from torch.distributed.checkpoint.filesystem import FileSystemReader
    from torch.distributed.checkpoint.state_dict_loader import load

    with warnings.catch_warnings():
        # Every process reads all parts by itself, as intended.
        warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
        load(wanted, storage_reader=FileSystemReader(folder), no_dist=True)
