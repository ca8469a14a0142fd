"""Fast sampling for small models: the same distribution as `generate`, less Python per token.

For a model of under a million weights the library's `generate` spends most of a step outside the
matrix products. This loop encodes each prompt once for its whole group, decodes with a network laid
out for it (`decoder.py`), and drops rows that have ended. Tests hold it equal to the library for
every kind of model that it accepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from ..models.loaded import LoadedModel
from .batching import generate_within
from .decoder import Decoder
from .engine import Completion, Prompt, SamplingParams, completion_of
from .exactness import unsupported

WIDEST = 1024
"""Hidden size up to which this loop was measured to be faster than the library's: 1.19 times
as fast by processor time at 1024 (`benchmarks/decoder.py --models wide1024`)."""
STILL_GOING = 0.9
"""Share of the rows below which those that have ended are dropped."""
BLOCK = 256
"""Tokens that the search sums up before it looks at each."""


class LlamaCPU:
    """Our own decoder, for models of the Llama family that it computes exactly."""

    name = "llama_cpu"
    together = 1

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded

    def refuses(self, params: SamplingParams) -> str | None:
        """Models that it does not compute exactly, or not faster; half precision; `top_p`."""
        if self.loaded.autocast_dtype is not None:
            return "computes in float32 only"
        if params.top_p < 1:
            return "does not know top_p"
        width = self.loaded.model.config.get_text_config().hidden_size
        reason = unsupported(self.loaded.model)
        if reason is None and width > WIDEST:
            return f"is for hidden sizes up to {WIDEST}, not {width}"
        return reason

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        """All prompts in one batch, or as many as fit into memory."""
        model, ends = self.loaded.model, self.loaded.codec.ends
        decode_all = partial(decode, model, ends=ends)
        return generate_within(self.loaded.kernels.batch_tokens, decode_all, prompts, params, seed)

    def sync(self, step: int) -> None:
        """Nothing to do: it reads the model's own weights."""

    def rest(self) -> None:
        """Nothing to do: it keeps nothing."""


@torch.inference_mode()
def decode(
    model: PreTrainedModel,
    prompts: Sequence[Prompt],
    params: SamplingParams,
    seed: int,
    ends: frozenset[int],
) -> list[Completion]:
    """`params.n` completions of each prompt, next to each other.

    A completion ends with one of `ends`, or has exactly `max_new_tokens` ids.
    """
    device = model.device
    generator = torch.Generator(device).manual_seed(seed)
    decoder = Decoder(model, len(prompts) * params.n)
    logits, position = read_prompts(decoder, prompts, device)
    decoder.spread(params.n, params.max_new_tokens)
    rows = torch.arange(len(prompts), device=device).repeat_interleave(params.n)
    logits, position = logits[rows], position[rows]
    end = torch.tensor(sorted(ends), device=device)
    out = torch.full((len(rows), params.max_new_tokens), -1, dtype=torch.long, device=device)
    logprobs = torch.zeros(out.shape, device=device) if params.logprobs else None
    alive = torch.arange(len(rows), device=device)
    going = torch.ones(len(rows), dtype=torch.bool, device=device)
    for step in range(params.max_new_tokens):
        token, logprob = _choose(logits, params.temperature_at(step), generator, params.logprobs)
        out[alive, step] = token
        if logprobs is not None and logprob is not None:
            logprobs[alive, step] = logprob
        going &= ~torch.isin(token, end)
        count = int(going.sum())
        if not count or step + 1 == params.max_new_tokens:
            break
        # Copying the caches costs more than a few rows that have ended do.
        if count < STILL_GOING * len(alive):
            keep = going.nonzero().squeeze(1)
            decoder.keep(keep)
            alive, token, position, going = (x[keep] for x in (alive, token, position, going))
        position = position + 1
        logits = decoder.step(token[:, None], position)
    lists = out.tolist()
    known = [None] * len(lists) if logprobs is None else logprobs.tolist()
    return [completion_of(_written(row), ends, p) for row, p in zip(lists, known, strict=True)]


def read_prompts(
    decoder: Decoder, prompts: Sequence[Prompt], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Encode the prompts: logits after each (prompts, vocabulary), positions of their last tokens
    (prompts, 1)."""
    longest = max(map(len, prompts))
    ids = torch.zeros(len(prompts), longest, dtype=torch.long)
    mask = torch.zeros(len(prompts), longest, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = True
    ids, mask = ids.to(device), mask.to(device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return decoder.read(ids, positions, mask), positions[:, -1:]


def _choose(
    logits: Tensor, temperature: float, generator: torch.Generator, logprobs: bool
) -> tuple[Tensor, Tensor | None]:
    """Token ids (rows,) drawn from `logits` (rows, vocabulary), and their log-probabilities."""
    if temperature == 0:
        token = logits.argmax(-1)
        return token, torch.zeros(token.shape, device=token.device) if logprobs else None
    probabilities = logits.float().div(temperature).softmax(-1)
    token = draw(probabilities, generator)
    return token, probabilities.gather(1, token[:, None])[:, 0].log() if logprobs else None


def draw(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """A token id (rows,) from each row of `probabilities` (rows, vocabulary)."""
    if probabilities.shape[1] <= BLOCK:
        return _searched(probabilities, generator)
    # First a block of tokens, then one of its tokens: what is summed up in order stays short.
    blocks = F.pad(probabilities, (0, -probabilities.shape[1] % BLOCK)).unflatten(1, (-1, BLOCK))
    block = _searched(blocks.sum(-1), generator)
    place = torch.arange(len(blocks), device=blocks.device)
    return block * BLOCK + _searched(blocks[place, block], generator)


def _searched(weights: Tensor, generator: torch.Generator) -> Tensor:
    """An index (rows,) from each row of `weights` (rows, n), drawn in proportion to them."""
    upto = weights.double().cumsum(-1)
    point = torch.empty_like(upto[:, :1]).uniform_(generator=generator) * upto[:, -1:]
    # The first that ends beyond the point has a weight above 0.
    return torch.searchsorted(upto, point, right=True)[:, 0].clamp(max=upto.shape[1] - 1)


def _written(row: list[int]) -> list[int]:
    return [token for token in row if token >= 0]
