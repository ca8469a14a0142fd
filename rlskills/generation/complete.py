"""Completions from any causal model: our own decoding where it applies, else `generate`."""

from __future__ import annotations

from typing import Any

import torch

from .llama_cpu import Sampling, decode, supports


@torch.inference_mode()
def complete(
    model: Any, prompts: list[list[int]], sampling: Sampling, seed: int, batch_rows: int = 0
) -> list[list[int]]:
    """Token ids of `sampling.per_prompt` completions a prompt, groups contiguous.

    A completion ends with an end token, or is cut at `sampling.max_new_tokens`. At most about
    `batch_rows` sequences are decoded at a time; 0 takes 1024, on a CPU 256, whose keys and values
    stay in its caches.
    """
    rows = batch_rows or (256 if model.device.type == "cpu" else 1024)
    size = max(1, rows // sampling.per_prompt)
    engine = decode if supports(model) else _generate
    # Neighbours in length share a batch, so that little is padding.
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
    results: list[list[list[int]]] = [[] for _ in prompts]
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        flat = engine(model, [prompts[i] for i in rows], sampling, seed + start)
        for place, i in enumerate(rows):
            first = place * sampling.per_prompt
            results[i] = flat[first : first + sampling.per_prompt]
    return [completion for group in results for completion in group]


def _generate(
    model: Any, prompts: list[list[int]], sampling: Sampling, seed: int
) -> list[list[int]]:
    longest = max(map(len, prompts))
    pad = model.generation_config.pad_token_id
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    pad = ends[0] if pad is None else pad
    ids = torch.tensor([[pad] * (longest - len(p)) + p for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    how: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        how = {"do_sample": True, "temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed)
        out = model.generate(
            input_ids=ids,
            attention_mask=mask.to(model.device),
            max_new_tokens=sampling.max_new_tokens,
            num_return_sequences=sampling.per_prompt,
            pad_token_id=pad,
            use_cache=True,
            **how,
        )
    return [_until_end(row, set(ends)) for row in out[:, longest:].tolist()]


def _until_end(row: list[int], ends: set[int]) -> list[int]:
    for place, token in enumerate(row):
        if token in ends:
            return row[: place + 1]
    return row
