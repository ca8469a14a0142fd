"""The flags of `rlskills run` and accelerate that a plan stands for."""

from __future__ import annotations

import math

from .choose import Choice
from .job import Job
from .memory import GIB
from .split import Split

HEADROOM = 1.02
"""By which vLLM's share is rounded up: it also counts what PyTorch holds besides tensors."""


def launcher(strategy: str, gpus: int) -> list[str]:
    """What stands in front of `rlskills`; nothing for one process."""
    if gpus == 1:
        return []
    file = f"recipes/accelerate/{strategy}.yaml"
    return ["accelerate", "launch", "--config_file", file, "--num_processes", str(gpus), "-m"]


def run_flags(job: Job, model: str, choice: Choice, steps: int) -> list[str]:
    """Those of `rlskills run grpo`, but environment and levels."""
    layout = choice.layout
    flags = ["--model", model, "--no-cold-start", "--rl.max-steps", str(steps)]
    flags += ["--rl.prompts-per-step", str(job.prompts_per_step)]
    flags += ["--rl.group-size", str(job.group_size)]
    flags += ["--rl.max-new-tokens", str(job.new_tokens)]
    flags += ["--rl.max-prompt-tokens", str(job.prompt_length)]
    flags += ["--rl.gradient-accumulation-steps", str(job.share // layout.micro_batch)]
    if layout.checkpointing:
        flags.append("--rl.gradient-checkpointing")
    if job.lora_rank:
        flags += ["--model-options.lora.rank", str(job.lora_rank)]
        flags += ["--model-options.base-dtype", job.base_dtype]
    flags += ["--machine.compute", "bfloat16", "--machine.attention", job.attention]
    flags += ["--rl.engine", job.engine]
    if job.engine == "transformers":
        return [*flags, "--machine.batch-tokens", str(choice.sequences * job.length)]
    return [*flags, *(_colocated(job, choice) if layout.colocated else _beside())]


def _colocated(job: Job, choice: Choice) -> list[str]:
    parts, layout = choice.memory.sampling, choice.layout
    taken = sum(parts[name] for name in ("copy for sampling", "KV cache", "logits and prompts"))
    share = min(0.99, math.ceil(100 * HEADROOM * taken / (job.gpu.memory * GIB)) / 100)
    flags = ["--machine.vllm.memory-share", f"{share:.2f}"]
    flags += ["--machine.vllm.max-length", str(job.length)]
    flags += ["--machine.vllm.max-sequences", str(max(1, choice.sequences))]
    if layout.tensor_parallel > 1:
        flags += ["--machine.vllm.tensor-parallel", str(layout.tensor_parallel)]
    return [*flags, *(["--machine.vllm.sleep"] if layout.sleep else [])]


def _beside() -> list[str]:
    return ["--machine.vllm.mode", "server", "--machine.vllm.server-url", "http://localhost:8000"]


def server_words(job: Job, model: str, split: Split) -> list[str]:
    """How the server of a split is started, on its own GPUs."""
    return [
        "VLLM_SERVER_DEV_MODE=1", "vllm", "serve", model, "--max-model-len", str(job.length),
        "--max-num-seqs", str(split.sequences), "--tensor-parallel-size", str(split.servers),
        "--weight-transfer-config", "'{\"backend\": \"nccl\"}'",
        "--logprobs-mode", "processed_logprobs",
    ]  # fmt: skip
