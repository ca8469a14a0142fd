"""Bytes on each GPU, by part, while the model trains and while it samples.

Counted on what the code does: float32 weights with AdamW (16 bytes for each parameter), products in
bfloat16 by autocast, TRL's head in tiles, sampling between two updates, when gradients are gone.
Letters: h hidden size, q and k numbers in a token's queries and keys, f feed-forward width.
"""

from __future__ import annotations

from dataclasses import dataclass

from .job import Attention, Job, Layout
from .shapes import Shape

GIB = 2**30
STATE_BYTES = 16
"""For each parameter: float32 weight, gradient and AdamW's two moments."""
HALF_BYTES = 2
"""Of a number in bfloat16."""
TILE_TOKENS, TILE_WORDS = 4096, 2**15
"""Tokens and words of the logits that TRL's head computes at a time (its `ChunkedLogProbFunction`,
TRL 1.16)."""
PREFILL_TOKENS = 8192
"""Tokens of prompts that vLLM reads at a time."""
SHARDED = ("fsdp2", "zero3")
"""Strategies under which no GPU holds all weights while it trains."""

Parts = dict[str, float]
"""Bytes by what they are for, in the order in which they are shown."""


@dataclass(frozen=True)
class Memory:
    """Of one GPU, in its two phases."""

    training: Parts
    sampling: Parts

    @property
    def peak(self) -> float:
        """Bytes of the phase that takes more."""
        return max(sum(self.training.values()), sum(self.sampling.values()))


def memory_of(job: Job, layout: Layout, sequences: int) -> Memory:
    """What `layout` takes where each GPU (or group of `tensor_parallel`) samples `sequences` at a
    time, each as long as it may become."""
    state = _state(job, layout)
    resident = _sampler(job, layout, sequences) if layout.colocated else {}
    training = state | _products(job, layout) | {
        "activations": activations(job, layout), "logits of the loss": head(job, layout)
    }  # fmt: skip
    if job.engine == "vllm" and not layout.sleep:
        training |= {name: size for name, size in resident.items() if name in HELD}
    sampling = {name: size for name, size in state.items() if name != "gradients"} | resident
    return Memory(_some(training), _some(sampling))


HELD = ("copy for sampling", "KV cache")
"""What vLLM keeps unless it sleeps."""


def _some(parts: Parts) -> Parts:
    return {name: size for name, size in parts.items() if size}


def _state(job: Job, layout: Layout) -> Parts:
    """Weights, gradients, optimizer: Rajbhandari et al. 2020 (ZeRO, arXiv 1910.02054, section 3).

    DDP keeps gradients a second time, in the buckets that it exchanges (torch's documentation of
    `gradient_as_bucket_view`). DeepSpeed has bfloat16 weights, and float32 ones in its optimizer.
    """
    n, trained, frozen = job.gpus, job.trained, job.frozen
    if layout.strategy == "ddp":
        return {
            "weights": 4.0 * trained + job.frozen_bytes * frozen,
            "gradients": 4.0 * trained,
            "optimizer state": 8.0 * trained,
            "gradient buckets": 4.0 * trained if n > 1 else 0.0,
        }
    if layout.strategy == "fsdp2":
        return {
            "weights": (4.0 * trained + job.frozen_bytes * frozen) / n,
            "gradients": 4.0 * trained / n,
            "optimizer state": 8.0 * trained / n,
        }
    shards = n if layout.strategy == "zero3" else 1
    return {
        "weights": HALF_BYTES * (trained + frozen) / shards,
        "gradients": HALF_BYTES * trained / n,
        "optimizer state": 12.0 * trained / n,
    }


def _products(job: Job, layout: Layout) -> Parts:
    """Weights in bfloat16, while products with them are differentiated.

    Autocast keeps a copy of every weight in the layers until the backward pass; sharded strategies
    gather one layer and the next.
    """
    layers = HALF_BYTES * job.shape.in_layers
    if layout.strategy in SHARDED:
        return {"bfloat16 weights": 2 * layers / job.shape.layers}
    cast = layout.strategy == "ddp" and (not job.lora_rank or job.frozen_bytes == 4)
    return {"bfloat16 weights": float(layers) if cast else 0.0}


def layer_activations(
    shape: Shape, length: int, half: bool = True, attention: Attention = "flash_attention_2"
) -> float:
    """Bytes that the backward pass needs of each token in one layer.

    Korthikanti et al. 2022 (arXiv 2205.05198, section 4) count 34 h for GPT's layer, attention
    scores aside. Here, under autocast: the residual stream is float32 and kept twice for each of
    two norms (16 h); five linear layers each keep a bfloat16 copy of their input (10 h); queries
    and output (4 q), keys and values (4 k); gate, its activation, up and their product (8 f). Norms
    of queries and keys keep 6 (q + k) more. In float32 (`half` False) inputs are shared.

    Scores are never kept, but `sdpa` repeats keys and values for every head where a batch has
    padding, and keeps the mask, `length` numbers for each token.
    """
    h, q, k, f = shape.hidden, shape.queries, shape.keys, shape.intermediate
    size = HALF_BYTES if half else 4
    kept = (26 * h if half else 24 * h) + 4 * size * f
    kept += 4 * shape.heads + 8  # log-sum-exp of each head, and the scales of both norms
    if shape.qk_norm:
        kept += (6 if half else 8) * (q + k) + 4 * (shape.heads + shape.key_heads)
    kept += 2 * size * q
    return kept + (2 * size * q + size * length if attention == "sdpa" else 2 * size * k)


def activations(job: Job, layout: Layout) -> float:
    """Bytes kept for the backward pass. With checkpointing: the float32 input of each layer, and
    all of the one that is computed again."""
    tokens = layout.micro_batch * job.length
    layer = layer_activations(job.shape, job.length, attention=job.attention)
    whole = layer if layout.checkpointing else layer * job.shape.layers
    inputs = 4 * job.shape.hidden * job.shape.layers if layout.checkpointing else 0
    return tokens * (whole + inputs + 8.0 * job.shape.hidden)


def head(job: Job, layout: Layout) -> float:
    """Bytes for log-probabilities and their gradients, by TRL's head: a tile of logits in bfloat16,
    float32 gradients of the hidden states and of the whole head, which it gathers if sharded."""
    tokens, shape = layout.micro_batch * job.length, job.shape
    tile = HALF_BYTES * min(tokens, TILE_TOKENS) * TILE_WORDS
    gradient = 0 if job.lora_rank else 4 * shape.matrix
    gathered = 4 * shape.matrix if layout.strategy in SHARDED else 0
    return float(tile + 4 * tokens * shape.hidden + gradient + gathered)


def whole_logits(job: Job, layout: Layout) -> float:
    """Bytes of float32 logits and their gradients, for comparison: nothing here computes them."""
    return 8.0 * layout.micro_batch * job.length * job.shape.vocabulary


def number_bytes(job: Job, layout: Layout) -> int:
    """Of a cached number. With float32 weights transformers' cache is float32 also under autocast:
    rotary embeddings make keys float32, and values are put beside them."""
    plain = job.engine == "transformers" and layout.strategy == "ddp"
    return 4 if plain and job.base_dtype == "float32" else HALF_BYTES


def cache_bytes(cached: int, tokens: int, size: int = HALF_BYTES) -> int:
    """Of keys and values of `tokens` tokens, `cached` numbers of `size` bytes each."""
    return size * cached * tokens


def copy_bytes(job: Job, layout: Layout) -> float:
    """Of the weights that sample, beside those that train."""
    if job.engine == "vllm":
        return HALF_BYTES * job.shape.parameters / layout.tensor_parallel
    return float(HALF_BYTES * job.shape.parameters) if layout.strategy in SHARDED else 0.0


def _sampler(job: Job, layout: Layout, sequences: int) -> Parts:
    """What samples: its weights, the cache at its fullest, logits and the reading of prompts."""
    copy, cache, work, fixed = sampler_bytes(job, layout)
    return {
        "copy for sampling": copy,
        "KV cache": cache * sequences,
        "logits and prompts": work * sequences + fixed,
    }


def sampler_bytes(job: Job, layout: Layout) -> tuple[float, float, float, float]:
    """Bytes of the copy; of each sequence's cache, and of its logits (float32, with two copies for
    drawing) and prompt; and of what does not depend on how many there are."""
    shape, size = job.shape, number_bytes(job, layout)
    cache = cache_bytes(shape.cached, job.length, size) / layout.tensor_parallel
    reading = 8.0 * shape.hidden + 6.0 * shape.intermediate
    logits = 12.0 * shape.vocabulary
    copy = copy_bytes(job, layout)
    if job.engine == "vllm":
        return copy, cache, logits, PREFILL_TOKENS * reading
    return copy, cache, logits + job.prompt_length * reading, 0.0


def sequences_that_fit(job: Job, layout: Layout) -> int:
    """Sequences that are sampled at a time: all of a step, or as many as memory has room for.

    0 where not even one has; whether training fits has to be asked beside.
    """
    limit = job.gpu.memory * GIB * job.assumed.usable
    _, cache, work, _ = sampler_bytes(job, layout)
    empty = memory_of(job, layout, 0)
    room = (limit - sum(empty.sampling.values())) / (cache + work)
    if job.engine == "vllm" and not layout.sleep and layout.colocated:
        room = min(room, (limit - sum(empty.training.values())) / cache)
    return max(0, min(job.share * layout.tensor_parallel, int(room)))
