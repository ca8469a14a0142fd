"""`rlskills plan`: memory, time and cost of RL on GPUs, from the shape of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from ..console import Console
from ..errors import UserError
from ..models.shape import hub_name, shape_of
from ..planning.choose import Asked
from ..planning.gpus import gpu_named
from ..planning.job import Assumed, Attention, Dtype, Engine, Job, Strategy
from ..planning.show import made, show


@dataclass(frozen=True)
class PlanOptions:
    """What training would take on GPUs: memory by part, seconds per step, cost. Nothing is loaded.

    All is computed from data sheets and the assumptions that are printed.
    """

    model: str = "8B"
    """A size (0.6B, 1.7B, 4B, 8B, 14B, 32B, 70B, ...), a name, or a folder with a config.json."""
    gpus: int = 8
    """GPUs, eight to a machine."""
    gpu: str = "H100"
    """H100, H200, B200, A100, L40S or RTX4090."""
    length: int = 8192
    """Tokens of the longest prompt and completion together."""
    prompt_length: int = 512
    """Tokens of a prompt."""
    prompts_per_step: int = 64
    """Problems for each round of sampling."""
    group_size: int = 8
    """Completions of each problem."""
    rollouts: int = 100_000
    """Completions of the whole run, for hours and cost."""
    lora_rank: int = 0
    """Rank of adapters that are trained in place of the weights; 0: none."""
    base_dtype: Dtype = "float32"
    """Of the weights under adapters."""
    strategy: Literal["auto", Strategy] = "auto"
    """What is sharded; auto: the first that fits."""
    checkpointing: Literal["auto", "on", "off"] = "auto"
    """Gradient checkpointing; auto: where it is needed, or quicker by what it makes room for."""
    micro_batch: int = 0
    """Sequences that the loss is computed on at a time on each GPU; 0: the quickest that fits."""
    engine: Engine = "vllm"
    """What samples."""
    attention: Attention = "flash_attention_2"
    """Attention kernel of training."""
    memory: float = 0.0
    """GiB of a GPU; 0: by its data sheet."""
    price: float = -1.0
    """Dollars for an hour of a GPU; below 0: an assumption."""
    assumed: Assumed = field(default_factory=Assumed)
    """What cannot be known before a run."""

    def job(self) -> Job:
        """The same as a job."""
        gpu = gpu_named(self.gpu)
        for name in ("memory", "price"):
            if not math.isfinite(getattr(self, name)):
                raise UserError(f"{name} must be finite, not {getattr(self, name)}")
        if self.memory < 0:
            raise UserError(f"memory must be at least 0, not {self.memory}")
        if self.rollouts < 1 or self.micro_batch < 0:
            raise UserError("rollouts must be at least 1, and micro_batch at least 0")
        gpu = replace(gpu, memory=self.memory or gpu.memory)
        gpu = replace(gpu, price=self.price if self.price >= 0 else gpu.price)
        return Job(
            shape_of(self.model), gpu, self.gpus, self.length, self.prompt_length,
            self.prompts_per_step, self.group_size, self.engine, self.attention, self.lora_rank,
            self.base_dtype, self.assumed,
        )  # fmt: skip

    def asked(self) -> Asked:
        """What it leaves open."""
        wanted = None if self.checkpointing == "auto" else self.checkpointing == "on"
        return Asked(None if self.strategy == "auto" else self.strategy, wanted, self.micro_batch)


def plan_cli(words: list[str]) -> None:
    """Print the plan that the flags ask for."""
    import tyro

    options = tyro.cli(PlanOptions, args=words, prog="rlskills plan")
    name = hub_name(options.model)
    plan = made(options.job(), options.asked(), name, options.gpu, options.rollouts)
    show(plan, Console())
