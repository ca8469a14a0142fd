"""vLLM inside this process, on its GPU, and what both kinds of vLLM share: TRL's wrapper."""

from __future__ import annotations

import gc
import math
import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from accelerate import Accelerator
from trl.generation.vllm_generation import VLLMGeneration, extract_logprobs
from typing_extensions import override

from ..errors import UserError
from ..models.loaded import LoadedModel
from ..models.lora import adapted, merged_weights
from ..models.vllm_settings import VLLMSettings
from .vllm_host import Draw, Drawn


class WeightSync(VLLMGeneration):
    """TRL's wrapper, which starts vLLM and moves weights over; what is drawn is asked elsewhere.

    Overridden: `_iter_named_params`, for models with adapters.
    """

    sent: weakref.ref[Any] | None = None
    """The model whose weights were sent last."""

    @override
    def _iter_named_params(self) -> Any:
        # TRL adds adapters to the weights below and takes them off again, which leaves the rounding
        # of both in weights that are not trained: in bfloat16 they would walk away.
        if adapted(self.model):
            yield from merged_weights(self.model)
        else:
            yield from super()._iter_named_params()

    def send(self, model: Any) -> None:
        """Send the weights of `model`, which is not kept."""
        if self.sent is None or self.sent() is not model:
            self._weight_metadata = None  # names and types, which TRL takes for those of one model
        self.model, self.sent = model, weakref.ref(model)
        try:
            self.sync_weights()
        finally:
            self.model = None
        self.accelerator.wait_for_everyone()


def wrapped(loaded: LoadedModel, settings: VLLMSettings) -> WeightSync:
    """TRL's wrapper as `settings` want it.

    Weights that are spread over processes by FSDP are a `UserError`: an evaluation outside of the
    trainer would read none of them.
    """
    accelerator = Accelerator()
    if getattr(accelerator.state, "fsdp_plugin", None):
        raise UserError("engine vllm takes whole weights: not with FSDP")
    with _environment_kept():
        found = WeightSync(
            loaded.model, accelerator, loaded.codec.tokenizer, **arguments_of(settings)
        )
    found.model = None
    return found


@contextmanager
def _environment_kept() -> Iterator[None]:
    """TRL names this process to vLLM in variables that a trainer made later would take for those of
    a launcher."""
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def arguments_of(settings: VLLMSettings) -> dict[str, Any]:
    """What TRL's wrapper is given; sampling is not among it, since every call has its own."""
    return {
        "mode": settings.mode,
        "server_base_url": settings.server_url.rstrip("/"),
        "server_timeout": settings.timeout,
        "group_port": settings.group_port,
        "tensor_parallel_size": settings.tensor_parallel,
        "gpu_memory_utilization": settings.memory_share,
        "max_model_length": settings.max_length or None,
        "max_num_seqs": settings.max_sequences or None,
        "enable_sleep_mode": settings.sleep,
        "model_impl": settings.model_impl,
    }


class Colocated:
    """vLLM in this process; under tensor parallelism, a part of one."""

    def __init__(self, loaded: LoadedModel, settings: VLLMSettings) -> None:
        try:
            self.trl = wrapped(loaded, settings)
        except (ValueError, RuntimeError) as error:  # such as too little memory for the cache
            reason = " ".join(str(error).split())
            raise UserError(f"vllm does not start: {reason}") from error
        self.max_length: int = self.trl.llm.llm_engine.model_config.max_model_len
        self.sleeps = settings.sleep
        self._awake = self._cache_is_there = not settings.sleep

    def push(self, model: Any) -> None:
        """Copy the weights; a vLLM that sleeps gets them back so."""
        self.trl.send(model)
        self._awake = True

    def draw(self, prompts: list[list[int]], seeds: list[int], how: Draw) -> list[Drawn]:
        """Asked of vLLM itself: TRL gives all copies of a prompt one seed, under which they would
        be the same completion."""
        sampling: Any = import_module("vllm").SamplingParams
        if not self._cache_is_there:
            self.trl.llm.wake_up(tags=["kv_cache"])
            self._cache_is_there = True
        stops = list(how.stop_token_ids)
        outputs = self.trl.llm.generate(
            [{"prompt_token_ids": prompt} for prompt in prompts],
            sampling_params=[
                sampling(seed=seed, stop_token_ids=stops, **how.keywords) for seed in seeds
            ],
            use_tqdm=False,
        )
        ids = [list(one.token_ids) for output in outputs for one in output.outputs]
        return drawn_of(ids, extract_logprobs(outputs)[0] or [])

    def rest(self) -> bool:
        """Sleep, if it is set to."""
        if self.sleeps and self._awake:
            self.trl.llm.sleep(level=2)
            self._awake = self._cache_is_there = False
        return self.sleeps

    def close(self) -> None:
        """End it and give the GPU's memory back."""
        self.trl.llm.llm_engine.engine_core.shutdown()
        del self.trl.llm
        gc.collect()
        torch.cuda.empty_cache()


def drawn_of(ids: list[list[int]], logprobs: Sequence[Sequence[Any]]) -> list[Drawn]:
    """Completions with the log-probability of each token; NaN where vLLM cannot tell."""
    return [
        (row, [math.nan if first is None else first for first, *_ in known])
        for row, known in zip(ids, logprobs, strict=True)
    ]
