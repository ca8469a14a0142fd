"""Sampling with transformers' `generate`: any causal model on any device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from ..models.loaded import LoadedModel
from .batching import generate_within
from .engine import Completion, Prompt, SamplingParams, Schedule, completion_of


class Transformers:
    """The library's own loop."""

    name = "transformers"
    together = 1

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded

    def refuses(self, params: SamplingParams) -> str | None:
        """Nothing: every causal model can be sampled like this."""
        return None

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        """All prompts at once, or as many as fit; the global generator is left as it was."""
        tokens, n = self.loaded.kernels.batch_tokens, params.n
        if params.temperature == 0 and n > 1:  # all alike
            params = params.limited(params.max_new_tokens, 1)
            found = generate_within(tokens, self._generate, prompts, params, seed)
            return [completion for completion in found for _ in range(n)]
        return generate_within(tokens, self._generate, prompts, params, seed)

    def _generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        model, codec = self.loaded.model, self.loaded.codec
        longest = max(map(len, prompts))
        rows = [[codec.pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
        mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        devices = [model.device] if model.device.type == "cuda" else []
        with self.loaded.inference(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            out = model.generate(
                input_ids=torch.tensor(rows, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                generation_config=_config(params, codec.ends, codec.pad),
                logits_processor=_processors(params, longest),
                # Processes sample unequally often; weights are whole while they do.
                synced_gpus=False,
            )
        ids = out.sequences[:, longest:].tolist()
        known: list[Any] = [None] * len(ids)
        if params.logprobs:
            known = model.compute_transition_scores(
                out.sequences, out.scores, normalize_logits=True
            ).tolist()
        return [completion_of(row, codec.ends, p) for row, p in zip(ids, known, strict=True)]

    def sync(self, step: int) -> None:
        """Nothing to do: it reads the model's own weights."""

    def rest(self) -> None:
        """Nothing to do: it keeps nothing."""


class _Annealed(LogitsProcessor):
    """Divides the logits by a temperature that depends on the position in the completion."""

    def __init__(self, schedule: Schedule, prompt: int) -> None:
        self.schedule = schedule
        self.prompt = prompt

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        return scores / self.schedule(input_ids.shape[1] - self.prompt)


def _config(params: SamplingParams, ends: frozenset[int], pad: int) -> GenerationConfig:
    """Every setting of sampling: what a model's own generation config adds to them is not used."""
    greedy = params.temperature == 0
    temperature = 1.0 if callable(params.temperature) or greedy else params.temperature
    return GenerationConfig(
        max_new_tokens=params.max_new_tokens,
        num_return_sequences=params.n,
        do_sample=not greedy,
        temperature=temperature,
        top_k=0 if not greedy else 50,
        top_p=params.top_p if not greedy else 1.0,
        repetition_penalty=1.0,
        eos_token_id=sorted(ends),
        pad_token_id=pad,
        use_cache=True,
        return_dict_in_generate=True,
        output_scores=params.logprobs,
    )


def _processors(params: SamplingParams, prompt: int) -> LogitsProcessorList:
    """What a temperature by position needs."""
    annealed = [_Annealed(params.temperature, prompt)] if callable(params.temperature) else []
    return LogitsProcessorList(annealed)
