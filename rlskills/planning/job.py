"""What is planned: a model, GPUs and rollouts, with what has to be assumed about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..errors import UserError
from .gpus import Gpu
from .shapes import Shape

Engine = Literal["vllm", "transformers"]
Attention = Literal["flash_attention_2", "sdpa"]
Strategy = Literal["ddp", "fsdp2", "zero2", "zero3"]
Dtype = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Assumed:
    """What nobody knows before a run; each is a flag."""

    mfu: float = 0.3
    """Share of the GPU's peak that matrix products reach, recomputed ones included (PaLM, with
    whole clusters, reports 0.46 without them: arXiv 2204.02311, table 3)."""
    bandwidth_share: float = 0.6
    """Share of the memory's bandwidth that decoding reaches."""
    mean_share: float = 0.5
    """Mean length of a completion as a share of the longest that is allowed."""
    usable: float = 0.92
    """Share of a GPU's memory that tensors can take; the rest is CUDA's, NCCL's and lost between
    blocks."""
    launch_vllm: float = 3e-5
    """Seconds for each layer and token that vLLM spends on starting kernels (CUDA graphs)."""
    launch_transformers: float = 1e-3
    """The same of transformers' `generate`, which starts them one by one from Python."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            share = not name.startswith("launch")
            if not 0 < value <= (1.0 if share else 60.0):
                most = "at most 1" if share else "at most a minute"
                raise UserError(f"{name} must be above 0 and {most}, not {value}")


@dataclass(frozen=True)
class Job:
    """One RL step again and again, on `gpus` GPUs of one kind."""

    shape: Shape
    gpu: Gpu
    gpus: int = 8
    length: int = 8192
    """Tokens of the longest prompt with its completion."""
    prompt_length: int = 512
    """Tokens of a prompt."""
    prompts_per_step: int = 64
    group_size: int = 8
    engine: Engine = "vllm"
    attention: Attention = "flash_attention_2"
    lora_rank: int = 0
    """0 trains the weights themselves."""
    base_dtype: Dtype = "float32"
    """Of the weights under adapters."""
    assumed: Assumed = field(default_factory=Assumed)

    @property
    def rows(self) -> int:
        """Rollouts of a step."""
        return self.prompts_per_step * self.group_size

    @property
    def share(self) -> int:
        """Rollouts of a step for each GPU, the most that one has."""
        return -(-self.rows // self.gpus)

    @property
    def new_tokens(self) -> int:
        """Tokens of the longest completion."""
        return self.length - self.prompt_length

    @property
    def mean_new(self) -> float:
        """Tokens of a completion in the mean."""
        return max(1.0, self.new_tokens * self.assumed.mean_share)

    @property
    def trained(self) -> int:
        """Parameters that are trained."""
        rank = self.lora_rank
        return self.shape.adapters(rank) if rank else self.shape.parameters

    @property
    def frozen(self) -> int:
        """Parameters that adapters belong on."""
        return self.shape.parameters if self.lora_rank else 0

    @property
    def frozen_bytes(self) -> int:
        """Of a frozen parameter."""
        return 2 if self.base_dtype == "bfloat16" else 4


@dataclass(frozen=True)
class Layout:
    """How a job is put on its GPUs."""

    strategy: Strategy
    micro_batch: int = 1
    """Sequences that the loss is computed on at a time, on each GPU."""
    checkpointing: bool = False
    tensor_parallel: int = 1
    """GPUs that hold one vLLM together."""
    sleep: bool = False
    """vLLM gives its memory back while the model trains."""
    colocated: bool = True
    """What samples is on the GPUs that train."""


def check(job: Job) -> None:
    """A `UserError` for a job that makes no sense, or that `rlskills run` would refuse."""
    for name in ("gpus", "prompt_length", "prompts_per_step"):
        if getattr(job, name) < 1:
            raise UserError(f"{name} must be at least 1, not {getattr(job, name)}")
    if job.group_size < 2:
        raise UserError(f"group_size must be at least 2, not {job.group_size}")
    if job.length <= job.prompt_length:
        raise UserError(
            f"length ({job.length}) is of prompt and completion together: it must be above "
            f"prompt_length ({job.prompt_length})"
        )
    if job.lora_rank < 0:
        raise UserError(f"lora_rank must be at least 0, not {job.lora_rank}")
    if job.base_dtype != "float32" and not job.lora_rank:
        raise UserError(
            "base_dtype bfloat16 is for weights under adapters (lora_rank): weights that are "
            "trained are float32"
        )
    if job.prompts_per_step % job.gpus:
        raise UserError(
            f"prompts_per_step ({job.prompts_per_step}) must be a multiple of gpus ({job.gpus})"
        )
