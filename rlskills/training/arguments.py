"""From our settings to TRL's arguments: every default that would change a run is set explicitly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .settings import Training


def common_arguments(settings: Training, checkpoints: Path, device: str) -> dict[str, Any]:
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
        "bf16": settings.bf16,
        "activation_checkpointing": settings.gradient_checkpointing,
        "use_cpu": device == "cpu",
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
