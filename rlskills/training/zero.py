"""Weights and optimizer state in the shards of DeepSpeed's ZeRO, by its documented functions.

See `docs/training.md` for what of this has been run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import Tensor, nn
from trl.models.utils import unwrap_model_for_generation


class Zero:
    """Of the engine that DeepSpeed has made around a model."""

    def __init__(self, engine: Any, accelerator: Accelerator) -> None:
        self.engine = engine
        self.accelerator = accelerator

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Under ZeRO-3 gathers all weights; under 1 and 2 they are whole already."""
        with unwrap_model_for_generation(self.engine, self.accelerator):
            yield

    def state_dict(self) -> dict[str, Tensor]:
        """Of the weights that are trained: where they are bfloat16, the optimizer's float32 ones.

        Adapters are saved without what they are on, so weights that are not trained are left out.
        """
        from deepspeed.utils import (  # pyright: ignore[reportMissingImports]
            safe_get_full_fp32_param,
        )

        module, found = self.engine.module, dict[str, Tensor]()
        for name, weight in module.named_parameters():
            if not weight.requires_grad:
                continue
            full = safe_get_full_fp32_param(weight)  # all processes together
            if self.accelerator.is_main_process:
                found[name] = full.detach().cpu()
        return found


def in_zero_shards(checkpoint: Path) -> bool:
    """Whether DeepSpeed's weights are in a checkpoint."""
    return any(checkpoint.glob("global_step*"))


def whole_from_zero(model: nn.Module, checkpoint: Path) -> None:
    """Set the weights of `model`, which are whole, to those in a checkpoint of DeepSpeed."""
    from deepspeed.utils.zero_to_fp32 import (  # pyright: ignore[reportMissingImports]
        get_fp32_state_dict_from_zero_checkpoint,
    )

    found = get_fp32_state_dict_from_zero_checkpoint(str(checkpoint))
    model.load_state_dict(found, strict=False)  # without frozen weights, and tied ones named once
