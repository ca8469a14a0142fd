"""Seconds of an RL step: decoding by what memory can be read, the rest by arithmetic.

Operations are counted as in PaLM's appendix B (Chowdhery et al. 2022, arXiv 2204.02311): 6 for each
parameter and trained token, and 12 for each layer, number of a token's queries and token of the
sequence, for attention (causal masks are not taken off); a third of both for a forward pass. Here
only the parameters count that a token is multiplied with.
"""

from __future__ import annotations

from dataclasses import dataclass

from .gpus import NODE
from .job import Job, Layout
from .memory import HALF_BYTES, cache_bytes, number_bytes

REDUCE = 1.5e-5
"""Seconds of an all-reduce of a few kilobytes: two for each layer and token that several GPUs
decode together."""
CAST_BYTES = 8
"""For each weight and token that transformers decodes from float32 weights: autocast reads the
weight (4), writes a bfloat16 copy (2) and the product reads that (2). It caches no copies in
inference mode."""
CACHE_TRAFFIC = 3
"""Times that transformers moves its cache for a token: read, written one longer, read again."""


@dataclass(frozen=True)
class Seconds:
    """Of one step."""

    prefill: float
    decode: float
    training: float
    exchange: float
    """Of exchanged weights and gradients, within `training`: it overlaps, and only what is longer
    than the arithmetic counts."""

    @property
    def rollout(self) -> float:
        """Reading the prompts and writing the completions."""
        return self.prefill + self.decode

    @property
    def step(self) -> float:
        """All of it, one after the other."""
        return self.rollout + self.training


def seconds_of(job: Job, layout: Layout, sequences: int) -> Seconds:
    """Of a step in which each GPU samples `sequences` at a time."""
    training, exchange = training_seconds(job, layout)
    prefill, decode = rollout_seconds(job, layout, sequences)
    return Seconds(prefill, decode, training, exchange)


def forward_flops(job: Job, context: float) -> float:
    """Operations for a token that looks at `context` tokens."""
    shape = job.shape
    return 2.0 * shape.multiplied + 4.0 * shape.layers * shape.queries * context


def trained_flops(job: Job, layout: Layout) -> float:
    """Operations for each token of a row that is trained on.

    The backward pass is two forward passes, with adapters one for the frozen weights. Checkpointing
    computes the layers again. What vLLM sampled is read once more before, for the ratio of both
    probabilities (`rollout_correction`).
    """
    shape, forward = job.shape, forward_flops(job, job.length)
    total = 3 * forward
    if job.lora_rank:
        total += 6.0 * job.trained - 2.0 * shape.multiplied
    if layout.checkpointing:
        total += forward - 2.0 * shape.matrix
    return total + (forward if job.engine == "vllm" else 0.0)


def training_seconds(job: Job, layout: Layout) -> tuple[float, float]:
    """Of an update; rows are padded to the longest, so all of `length` is computed. The second
    number is the exchange."""
    tokens = job.share * job.length
    arithmetic = tokens * trained_flops(job, layout) / (job.gpu.peak * job.assumed.mfu)
    exchange = exchanged_bytes(job, layout) / link_speed(job)
    return max(arithmetic, exchange), exchange


def link_speed(job: Job) -> float:
    """Bytes per second of the slowest link of an exchange."""
    return job.gpu.link if job.gpus <= NODE else min(job.gpu.link, job.gpu.network)


def exchanged_bytes(job: Job, layout: Layout) -> float:
    """Bytes that each GPU sends for an update.

    A ring sends (n - 1) / n of what is gathered or reduced, twice that for an all-reduce. Sharded
    weights are gathered for both passes of every micro-batch, gradients reduced behind each; vLLM's
    ratios need one more pass.
    """
    n, trained = job.gpus, job.trained
    parts = -(-job.share // layout.micro_batch)
    if layout.strategy == "ddp":
        sent = 2 * 4.0 * trained
    elif layout.strategy == "zero2":
        sent = HALF_BYTES * trained * (parts + 1.0)
    else:
        passes = 3 if job.engine == "vllm" else 2
        gradient = 4 if layout.strategy == "fsdp2" else HALF_BYTES
        sent = parts * (passes * HALF_BYTES * job.shape.parameters + gradient * float(trained))
    return sent * (n - 1) / n


def token_seconds(job: Job, layout: Layout, sequences: float, context: float) -> float:
    """For one more token of each of `sequences` sequences that have `context` tokens: reading the
    weights and the cache, or the arithmetic where that is more, and starting the kernels."""
    shape, together, vllm = job.shape, layout.tensor_parallel, job.engine == "vllm"
    size = number_bytes(job, layout)
    weights = (CAST_BYTES if size == 4 else HALF_BYTES) * shape.multiplied
    cache = sequences * cache_bytes(shape.cached, 1, size) * context
    moved = (weights + cache * (1 if vllm else CACHE_TRAFFIC)) / together
    reading = moved / (job.gpu.bandwidth * job.assumed.bandwidth_share)
    flops = sequences * forward_flops(job, context) / together
    launch = job.assumed.launch_vllm if vllm else job.assumed.launch_transformers
    launch += 2 * REDUCE if together > 1 else 0.0
    return max(reading, flops / (job.gpu.peak * job.assumed.mfu)) + shape.layers * launch


def rollout_seconds(job: Job, layout: Layout, sequences: int) -> tuple[float, float]:
    """Reading the prompts of a step, and writing its completions.

    The longest completion takes all its tokens, one after the other. vLLM begins another sequence
    when one ends, so at least all tokens divided by `sequences` are needed; transformers writes
    batches, each to its longest. vLLM reads the prompt of a group once.
    """
    vllm, rows = job.engine == "vllm", job.share * layout.tensor_parallel
    prompts = job.share / job.group_size if vllm else job.share
    reading = forward_flops(job, job.prompt_length / 2) * job.prompt_length
    prefill = prompts * reading / (job.gpu.peak * job.assumed.mfu)
    if vllm:
        tokens = rows * job.mean_new
        steps = max(job.new_tokens, tokens / sequences)
        active, context = tokens / steps, job.prompt_length + job.mean_new / 2
    else:
        batches = -(-rows // sequences)
        steps, active = batches * job.new_tokens, rows / batches
        context = job.prompt_length + job.new_tokens / 2
    return prefill, steps * token_seconds(job, layout, active, context)
