"""How a study uses the machine: settings, and what the runner does with them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from accelerate import PartialState
from rich.console import Console

from ..errors import UserError
from ..models.kernels import Kernels, default_device, use_threads


@dataclass(frozen=True)
class Machine:
    """How to use this machine."""

    threads: int = 0
    """CPU threads; 0 takes the physical cores. One thread makes runs repeatable bit for bit."""
    attention: str = "auto"
    """auto (a short timing), eager, sdpa or flash_attention_2."""
    precision: str = "auto"
    """Float32 matrix products: auto, highest, high or medium."""
    arms_at_once: int = 0
    """Arms trained side by side on one thread each; 0: as many as threads, on a GPU one."""

    def __post_init__(self) -> None:
        if self.threads < 0 or self.arms_at_once < 0:
            raise UserError("--machine.threads and --machine.arms-at-once must not be negative")
        Kernels(self.attention, self.precision)


@dataclass(frozen=True)
class Prepared:
    """What the runner has taken of the machine."""

    console: Console
    """Quiet on all processes but the main one."""
    kernels: Kernels
    at_once: int
    """Arms to train side by side."""


def processes() -> PartialState:
    """The process group that this process belongs to.

    The first to ask decides; unasked, a launcher's processes on a CPU would not be a group.
    """
    return PartialState(cpu=default_device() == "cpu")


def prepare(machine: Machine, console: Console) -> Prepared:
    """Join the process group, take the threads, and say so."""
    group = processes()
    if not group.is_main_process:
        console = Console(quiet=True)
    console.print(f"computing on {use_threads(machine.threads)} CPU threads", highlight=False)
    alone = default_device() != "cpu" or group.num_processes > 1
    at_once = machine.arms_at_once or (1 if alone else torch.get_num_threads())
    return Prepared(console, Kernels(machine.attention, machine.precision), at_once)
