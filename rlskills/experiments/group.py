"""The process group: one process, or those of a launcher."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from ..models.machine import Machine

if TYPE_CHECKING:
    from accelerate import PartialState


def processes(timeout: int = Machine.process_timeout) -> PartialState:
    """The process group that this process belongs to, which waits `timeout` minutes for anyone.

    The first to ask decides; unasked, a launcher's processes on a CPU would not be a group, and
    the libraries' own limits (10 minutes on GPUs) are shorter than a large evaluation.
    """
    # Recipes import this module, and their help need not wait seconds for torch.
    from accelerate import PartialState

    from ..models.choose_kernels import default_device

    # Non-main processes would begin with empty weights; but models are sampled and evaluated, and
    # references loaded, before and without being sharded.
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"
    cpu = default_device() == "cpu"
    return PartialState(cpu=cpu, timeout=timedelta(minutes=timeout))
