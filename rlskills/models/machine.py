"""How a machine is used, as settings; no torch here, so that help texts are quick."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UserError
from .kernels import Kernels
from .vllm_settings import VLLMSettings


@dataclass(frozen=True)
class Machine:
    """How to use this machine."""

    threads: int = 0
    """CPU threads; 0 takes the physical cores. One thread makes runs repeatable bit for bit."""
    attention: str = "auto"
    """auto, eager, sdpa, torch_varlen, flash_attention_2 or _3, flex_attention, or a kernel of the
    hub by owner/name. auto takes flash attention where it is installed, else torch_varlen on a GPU,
    on a CPU what is faster."""
    precision: str = "auto"
    """Float32 matrix products: auto, highest, high or medium."""
    compute: str = "auto"
    """Matrix products in float32 or bfloat16; auto: bfloat16 on GPUs that have it. Weights are
    float32 in both, and sampling, training and every evaluation compute alike."""
    batch_tokens: int = 0
    """Tokens, of prompts and completions, that are sampled at a time; 0: what memory allows."""
    arms_at_once: int = 0
    """Arms trained side by side on one thread each; 0: as many as threads, on a GPU one."""
    process_timeout: int = 60
    """Minutes that a process waits for the others of its group before all of them give up."""
    vllm: VLLMSettings = VLLMSettings()
    """vLLM, where an arm's `engine` is vllm."""

    def __post_init__(self) -> None:
        if self.threads < 0 or self.arms_at_once < 0:
            raise UserError("--machine.threads and --machine.arms-at-once must not be negative")
        if self.process_timeout < 1:
            raise UserError("--machine.process-timeout must be at least 1 (minutes)")
        if self.vllm.mode == "server" and self.arms_at_once > 1:
            raise UserError(
                "--machine.arms-at-once must be 1 with --machine.vllm.mode server: a server holds "
                "the weights of one model at a time"
            )
        self.kernels()

    def kernels(self) -> Kernels:
        """What is asked for of them."""
        return Kernels(self.attention, self.precision, self.compute, self.batch_tokens)
