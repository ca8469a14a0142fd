"""Many prompts in batches of neighbours in length, so that little is padding."""

from __future__ import annotations

from collections.abc import Sequence

from ..environments import seed_from
from .engine import Completion, Engine, Prompt, SamplingParams

CPU_ROWS, GPU_ROWS = 256, 1024
"""Sequences decoded at a time; on a CPU few enough that keys and values stay in its caches."""


def generate_in_batches(
    engine: Engine, prompts: Sequence[Prompt], params: SamplingParams, seed: int, rows: int
) -> list[Completion]:
    """As `engine.generate`, but at most about `rows` sequences at a time."""
    size = max(1, rows // params.n)
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
    found: list[list[Completion]] = [[] for _ in prompts]
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        drawn = engine.generate([prompts[i] for i in batch], params, batch_seed(seed, start))
        for place, i in enumerate(batch):
            found[i] = drawn[place * params.n : (place + 1) * params.n]
    return [completion for group in found for completion in group]


def batch_seed(seed: int, start: int) -> int:
    """The seed of the batch whose first prompt is the one at `start` by length."""
    return seed_from("batch", seed, start)
