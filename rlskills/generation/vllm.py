"""Sampling with vLLM. TRL's wrapper starts it and moves the weights over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec

import torch

from ..environments import seed_from
from ..errors import UserError
from ..models.loaded import LoadedModel
from .engine import Completion, Prompt, SamplingParams, completion_of
from .vllm_host import Draw, VLLMHost


class VLLM:
    """vLLM for one model. The log-probabilities are always returned."""

    name = "vllm"

    def __init__(self, loaded: LoadedModel, host: VLLMHost | None = None) -> None:
        self.loaded = loaded
        self.host = host or VLLMHost()
        self._step = 0

    @property
    def together(self) -> int:
        """Under tensor parallelism the processes of a vLLM must be asked for the same."""
        return self.host.settings.tensor_parallel

    def refuses(self, params: SamplingParams) -> str | None:
        """Without the package or a GPU, and for a temperature that depends on the position."""
        if find_spec("vllm") is None:
            return "is not installed (pip install 'rlskills[vllm]')"
        if not has_gpu():
            return "needs a CUDA GPU"
        if callable(params.temperature):
            return "cannot change the temperature within a completion"
        return None

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        """All prompts at once, each with a seed of its own: vLLM draws alike for equal seeds.

        A draw is repeated for the same seed on the same machine only.
        """
        if reason := self.refuses(params):
            raise UserError(f"vllm {reason}")
        assert not callable(params.temperature)
        if params.temperature == 0 and params.n > 1:  # all alike
            found = self.generate(prompts, replace(params, n=1), seed)
            return [completion for completion in found for _ in range(params.n)]
        link, ends = self.host.hold(self.loaded, self._step), self.loaded.codec.ends
        _check_room(prompts, params, link.max_length)
        seeds = [seed_from("vllm", seed, place) for place in range(len(prompts))]
        how = Draw(
            params.n, params.temperature, params.top_p, params.max_new_tokens, tuple(sorted(ends))
        )
        drawn = link.draw([list(prompt) for prompt in prompts], seeds, how)
        return [completion_of(ids, ends, logprobs) for ids, logprobs in drawn]

    def sync(self, step: int) -> None:
        """Send the weights, once for each step."""
        self._step = step
        self.host.hold(self.loaded, step)

    def rest(self) -> None:
        """In sleep mode, give the memory back."""
        self.host.rest()


def has_gpu() -> bool:
    """Whether there is a GPU that vLLM can use; a server receives weights from one too."""
    return torch.cuda.is_available()


def _check_room(prompts: Sequence[Prompt], params: SamplingParams, limit: int) -> None:
    """A `UserError` for a prompt that, with its completion, vLLM has no room for."""
    longest = max(map(len, prompts), default=0)
    if longest + params.max_new_tokens > limit:
        raise UserError(
            f"vllm has room for {limit} tokens; a prompt of {longest} with {params.max_new_tokens} "
            "new ones does not fit (--machine.vllm.max-length, or --max-model-len of the server)"
        )
