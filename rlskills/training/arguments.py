"""From our settings to TRL's arguments: every default that would change a run is set explicitly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UserError
from ..models.loaded import LoadedModel
from .settings import RLSettings, SFTSettings, Training


def common_arguments(settings: Training, checkpoints: Path, loaded: LoadedModel) -> dict[str, Any]:
    """Arguments that `SFTConfig` and `GRPOConfig` share.

    TRL trains in bf16 with gradient checkpointing unless told otherwise, also on a CPU, and
    neither pays there; logging and progress are ours.
    """
    return {
        "output_dir": str(checkpoints),
        "max_steps": settings.max_steps,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.lr_scheduler,
        "warmup_steps": settings.warmup_steps,
        "weight_decay": settings.weight_decay,
        "adam_beta2": settings.beta2,
        "max_grad_norm": settings.max_grad_norm,
        "gradient_accumulation_steps": settings.gradient_accumulation_steps,
        "seed": settings.seed,
        "bf16": loaded.autocast_dtype is not None,
        "activation_checkpointing": settings.gradient_checkpointing,
        "use_cpu": loaded.device.type == "cpu",
        "save_strategy": "steps",
        "save_steps": settings.save_every,
        "save_total_limit": None,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "remove_unused_columns": False,
        # The stream continues by itself; skipping batches would draw tasks and throw them away.
        "ignore_data_skip": True,
    }


def check_shares(settings: Training, processes: int) -> None:
    """A `UserError` where an update cannot be shared by processes and parts without a rest."""
    parts = settings.gradient_accumulation_steps
    shares = f"processes x gradient_accumulation_steps ({processes} x {parts})"
    if isinstance(settings, SFTSettings) and settings.batch_size < processes * parts:
        raise UserError(f"batch_size ({settings.batch_size}) must be at least {shares}")
    if not isinstance(settings, RLSettings):
        return
    rows = settings.prompts_per_step * settings.group_size
    if rows % (processes * parts):
        raise UserError(f"prompts_per_step x group_size ({rows}) must be divisible by {shares}")
    if settings.prompts_per_step % processes:
        raise UserError(
            f"prompts_per_step ({settings.prompts_per_step}) must be a multiple of "
            f"{processes} processes"
        )
