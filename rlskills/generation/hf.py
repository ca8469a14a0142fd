"""Sampling with transformers' `generate`: any causal model on any device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedModel

from .engine import Completion, Prompt, SamplingParams, Schedule, completion_of


class Transformers:
    """The library's own loop."""

    name = "transformers"

    def __init__(self, model: PreTrainedModel, ends: frozenset[int], pad: int) -> None:
        self.model = model
        self.ends = ends
        self.pad = pad

    def refuses(self, params: SamplingParams) -> str | None:
        """Nothing: every causal model can be sampled like this."""
        return None

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        """All prompts in one batch; the global generator is left as it was."""
        model: Any = self.model
        longest = max(map(len, prompts))
        rows = [[self.pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
        mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            out = model.generate(
                input_ids=torch.tensor(rows, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                max_new_tokens=params.max_new_tokens,
                num_return_sequences=params.n,
                eos_token_id=sorted(self.ends),
                pad_token_id=self.pad,
                use_cache=True,
                return_dict_in_generate=True,
                output_scores=params.logprobs,
                **_options(params, longest),
            )
        ids = out.sequences[:, longest:].tolist()
        known: list[Any] = [None] * len(ids)
        if params.logprobs:
            known = model.compute_transition_scores(
                out.sequences, out.scores, normalize_logits=True
            ).tolist()
        return [completion_of(row, self.ends, p) for row, p in zip(ids, known, strict=True)]

    def sync(self, step: int) -> None:
        """Nothing to do: it reads the model's own weights."""


class _Annealed(LogitsProcessor):
    """Divides the logits by a temperature that depends on the position in the completion."""

    def __init__(self, schedule: Schedule, prompt: int) -> None:
        self.schedule = schedule
        self.prompt = prompt

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        return scores / self.schedule(input_ids.shape[1] - self.prompt)


def _options(params: SamplingParams, prompt: int) -> dict[str, Any]:
    """Arguments of `generate`; what a model's generation config adds to a temperature is off."""
    plain = {"do_sample": True, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0}
    if callable(params.temperature):
        processors = LogitsProcessorList([_Annealed(params.temperature, prompt)])
        return plain | {"temperature": 1.0, "logits_processor": processors}
    if params.temperature == 0:
        return {"do_sample": False, "repetition_penalty": 1.0}
    return plain | {"temperature": params.temperature}
