"""Many prompts in batches: neighbours in length, and no more than fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import stopping
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
        stopping.check()
        batch = order[start : start + size]
        drawn = engine.generate([prompts[i] for i in batch], params, batch_seed(seed, start))
        for place, i in enumerate(batch):
            found[i] = drawn[place * params.n : (place + 1) * params.n]
    return [completion for group in found for completion in group]


def generate_within(
    tokens: int,
    generate: Callable[[Sequence[Prompt], SamplingParams, int], list[Completion]],
    prompts: Sequence[Prompt],
    params: SamplingParams,
    seed: int,
) -> list[Completion]:
    """As `generate`, in parts whose prompts and completions have at most `tokens` tokens in memory.

    What fits is generated at once, with `seed` itself. A part has one sequence at least.
    """
    width = max(map(len, prompts)) + params.max_new_tokens
    rows = max(1, tokens // width)
    if len(prompts) * params.n <= rows:
        return generate(prompts, params, seed)
    found: list[list[Completion]] = [[] for _ in prompts]
    at_once, n = max(1, rows // params.n), min(params.n, rows)
    for start in range(0, len(prompts), at_once):
        part = range(start, min(start + at_once, len(prompts)))
        for first in range(0, params.n, n):
            some = params.limited(params.max_new_tokens, min(n, params.n - first))
            drawn = generate(
                [prompts[i] for i in part], some, seed_from("part", seed, start, first)
            )
            for place, i in enumerate(part):
                found[i] += drawn[place * some.n : (place + 1) * some.n]
    return [completion for group in found for completion in group]


def batch_seed(seed: int, start: int) -> int:
    """The seed of the batch whose first prompt is the one at `start` by length."""
    return seed_from("batch", seed, start)
