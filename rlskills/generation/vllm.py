"""Sampling with vLLM in this process, through TRL's wrapper, which moves the weights over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from accelerate import Accelerator

from ..errors import UserError
from ..models.loaded import LoadedModel
from .engine import Completion, Prompt, SamplingParams, completion_of


@dataclass(frozen=True)
class VLLMSettings:
    """What vLLM is started with."""

    gpu_memory_utilization: float = 0.3
    """Share of the GPU's memory that vLLM takes; training needs the rest."""
    max_model_length: int | None = None
    """Tokens of prompt and completion together; None takes the model's."""


class VLLM:
    """vLLM beside the trainer on the same GPU. The log-probabilities are always returned."""

    name = "vllm"

    def __init__(self, loaded: LoadedModel, settings: VLLMSettings | None = None) -> None:
        self.loaded = loaded
        self.settings = settings or VLLMSettings()
        self._step: int | None = None
        self._server: Any = None

    def refuses(self, params: SamplingParams) -> str | None:
        """Without the package or a GPU, and for a temperature that depends on the position."""
        if find_spec("vllm") is None:
            return "is not installed (pip install 'rlskills[vllm]')"
        if not torch.cuda.is_available():
            return "needs a CUDA GPU"
        if callable(params.temperature):
            return "cannot change the temperature within a completion"
        return None

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        """All prompts in one call; vLLM repeats a draw for the same seed on the same GPU only."""
        if reason := self.refuses(params):
            raise UserError(f"vllm {reason}")
        server, ends = self._started(), self.loaded.codec.ends
        server.temperature = params.temperature
        server.top_p = params.top_p
        server.max_completion_length = params.max_new_tokens
        server.generation_kwargs = {"seed": seed, "stop_token_ids": sorted(ends)}
        repeated = [list(prompt) for prompt in prompts for _ in range(params.n)]
        _, ids, logprobs, _ = server.generate(repeated, None, num_generations=params.n)
        known = [[token[0] for token in row] for row in logprobs]
        return [completion_of(row, ends, p) for row, p in zip(ids, known, strict=True)]

    def sync(self, step: int) -> None:
        """Copy the weights, once for each step."""
        if self._step != step:
            self._started().sync_weights()
            self._step = step

    def _started(self) -> Any:
        if self._server is None:
            from trl.generation.vllm_generation import VLLMGeneration

            self._server = VLLMGeneration(
                self.loaded.model,
                Accelerator(),
                self.loaded.codec.tokenizer,
                mode="colocate",
                gpu_memory_utilization=self.settings.gpu_memory_utilization,
                max_model_length=self.settings.max_model_length,
            )
        return self._server
