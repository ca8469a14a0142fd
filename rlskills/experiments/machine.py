"""What the runner takes of the machine: processes, threads, kernels."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..console import Console
from ..errors import UserError
from ..generation.vllm_host import VLLMHost
from ..models.choose_kernels import default_device, use_threads
from ..models.kernels import Kernels
from ..models.machine import Machine
from .group import processes


@dataclass(frozen=True)
class Prepared:
    """What the runner has taken of the machine."""

    console: Console
    """Quiet on all processes but the main one."""
    kernels: Kernels
    at_once: int
    """Arms to train side by side."""
    vllm: VLLMHost
    """One for all arms; it starts when something is sampled with it."""


def prepare(machine: Machine, console: Console) -> Prepared:
    """Join the process group, take the threads, and say so."""
    group = processes(machine.process_timeout)
    _check_gpus(group.num_processes)
    machine.vllm.check_processes(group.num_processes)
    if not group.is_main_process:
        console = Console(quiet=True)
    console.print(f"computing on {use_threads(machine.threads)} CPU threads", highlight=False)
    alone = default_device() != "cpu" or group.num_processes > 1 or machine.vllm.mode == "server"
    at_once = machine.arms_at_once or (1 if alone else torch.get_num_threads())
    return Prepared(console, machine.kernels(), at_once, VLLMHost(machine.vllm))


def _check_gpus(count: int) -> None:
    """A `UserError` where one process sees several GPUs: the trainers would split batches badly."""
    visible = torch.cuda.device_count() if default_device() == "cuda" else 0
    if count == 1 and visible > 1:
        raise UserError(
            f"{visible} GPUs are visible to one process: put `accelerate launch --num_processes "
            f"{visible} -m` before `rlskills run`, or name one in CUDA_VISIBLE_DEVICES"
        )
