"""What the runner takes of the machine: processes, threads, kernels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

import torch
from accelerate import PartialState

from ..console import Console
from ..errors import UserError
from ..generation.vllm_host import VLLMHost
from ..models.choose_kernels import default_device, use_threads
from ..models.kernels import Kernels
from ..models.machine import Machine


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


def processes(timeout: int = Machine.process_timeout) -> PartialState:
    """The process group that this process belongs to, which waits `timeout` minutes for anyone.

    The first to ask decides; unasked, a launcher's processes on a CPU would not be a group, and
    the libraries' own limits (10 minutes on GPUs) are shorter than a large evaluation.
    """
    # Non-main processes would begin with empty weights; but models are sampled and evaluated, and
    # references loaded, before and without being sharded.
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"
    cpu = default_device() == "cpu"
    return PartialState(cpu=cpu, timeout=timedelta(minutes=timeout))


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
