"""What stands in for vLLM where it is not installed: the parts that TRL 1.16 imports and calls.

It samples from weights of its own, which it has only by being sent them, as vLLM does, and rounds
them to bfloat16, so that its log-probabilities differ a little from the trainer's. TRL's own code
runs against it: `use_stand_in` has that imported anew, since it looks for vLLM when it is imported.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Queue
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from accelerate import Accelerator
from transformers import AutoModelForCausalLM

from rlskills.generation import vllm

OURS = ("rlskills.generation.vllm_colocated", "rlskills.generation.vllm_server")
TRLS = ("trl.generation.vllm_client", "trl.generation.vllm_generation")


@dataclass
class SamplingParams:
    """Knows what is passed, and nothing else."""

    n: int
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repetition_penalty: float
    max_tokens: int
    logprobs: int
    seed: int
    stop_token_ids: list[int]

    def __post_init__(self) -> None:
        assert self.n == 1 or self.temperature > 0, "n must be 1 when using greedy sampling"
        assert (self.top_k, self.min_p, self.repetition_penalty, self.logprobs) == (0, 0, 1, 0)


class Weights:
    """A copy of a model that holds nothing of it until it is sent."""

    def __init__(self, folder: str) -> None:
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder)
        self.lost = True
        self.received: list[list[str]] = []
        """Names of each time that weights were sent."""

    def begin(self) -> None:
        self.received.append([])

    def load(self, name: str, weight: torch.Tensor) -> None:
        own = dict(self.model.named_parameters())
        assert weight.shape == own[name].shape
        own[name].data.copy_(weight.to(torch.bfloat16))
        self.received[-1].append(name)
        self.lost = set(self.received[-1]) != set(own)

    @torch.no_grad()
    def sample(self, prompt: list[int], how: Any) -> list[tuple[list[int], list[float]]]:
        """`how.n` completions; like vLLM, the one at place i has the seed `how.seed` + i."""
        assert not self.lost, "sampled from weights that were never sent"
        seeds = [(how.seed + place) % 2**63 for place in range(how.n)]
        dice = [torch.Generator().manual_seed(seed) for seed in seeds]
        rows = torch.tensor([prompt] * how.n)
        known = torch.empty(how.n, 0)
        for _ in range(how.max_tokens):
            logs = (self.model(rows).logits[:, -1] / (how.temperature or 1.0)).log_softmax(-1)
            drawn = [torch.multinomial(row.exp(), 1, generator=die)
                     for row, die in zip(logs, dice, strict=True)]  # fmt: skip
            new = torch.stack(drawn) if how.temperature else logs.argmax(-1, keepdim=True)
            rows, known = torch.cat([rows, new], 1), torch.cat([known, logs.gather(1, new)], 1)
        found = []
        for ids, logprobs in zip(rows[:, len(prompt) :].tolist(), known.tolist(), strict=True):
            ends = [at + 1 for at, token in enumerate(ids) if token in how.stop_token_ids]
            length = min(ends, default=len(ids))
            found.append((ids[:length], logprobs[:length]))
        return found


class LLM:
    """A colocated vLLM, with the rules of its sleep: what was given away must come back first."""

    live: ClassVar[list[LLM]] = []
    made: ClassVar[list[LLM]] = []

    def __init__(self, model: str, **arguments: Any) -> None:
        self.arguments = arguments
        self.events: list[str] = []
        self.weights = Weights(model)
        self.awake = {"weights", "kv_cache"}
        limit = arguments["max_model_len"] or self.weights.model.config.max_position_embeddings
        runner = SimpleNamespace(model=SimpleNamespace(load_weights=self._load))
        worker = SimpleNamespace(model_runner=runner)
        self.llm_engine = SimpleNamespace(
            model_config=SimpleNamespace(max_model_len=limit),
            model_executor=SimpleNamespace(driver_worker=worker),
            engine_core=SimpleNamespace(shutdown=lambda: LLM.live.remove(self)),
        )
        LLM.live.append(self)
        LLM.made.append(self)
        self.asked: list[tuple[list[int], SamplingParams]] = []

    def _load(self, pairs: Sequence[tuple[str, torch.Tensor]]) -> None:
        assert "weights" in self.awake
        if self.events[-1:] != ["load"]:
            self.events.append("load")
            self.weights.begin()
        for name, weight in pairs:
            self.weights.load(name, weight)

    def reset_prefix_cache(self) -> None:
        self.events.append("reset")

    def sleep(self, level: int) -> None:
        assert self.arguments["enable_sleep_mode"]
        assert (level, bool(self.awake)) == (2, True)
        self.awake, self.weights.lost = set(), True
        self.events.append("sleep")

    def wake_up(self, tags: list[str]) -> None:
        assert not self.awake & set(tags)
        self.awake |= set(tags)
        self.events.append(f"wake {tags[0]}")

    def generate(self, prompts: Any, sampling_params: Any, use_tqdm: bool) -> list[Any]:
        assert self.awake == {"weights", "kv_cache"}
        assert not use_tqdm
        self.events.append("generate")
        ids = [prompt["prompt_token_ids"] for prompt in prompts]
        self.asked += zip(ids, sampling_params, strict=True)
        rows = [self.weights.sample(*each) for each in zip(ids, sampling_params, strict=True)]
        return [SimpleNamespace(outputs=[_output(*one) for one in row]) for row in rows]


def _output(ids: list[int], known: list[float]) -> Any:
    first = [
        {token: SimpleNamespace(logprob=logprob, rank=1)}
        for token, logprob in zip(ids, known, strict=True)
    ]
    return SimpleNamespace(token_ids=tuple(ids), logprobs=first)


@dataclass
class Wire:
    """The group over which weights go, as both of its ends see it."""

    group: Any = field(default_factory=lambda: SimpleNamespace(store=1, socket=1))
    tensors: Queue[tuple[str, torch.Tensor]] = field(default_factory=Queue)
    opened: list[dict[str, Any]] = field(default_factory=list)

    def open(self, init_info: dict[str, Any]) -> Wire:
        self.opened.append(init_info)
        return self

    def send(self, iterator: Any, group: Wire, src: int = 0, post_iter_func: Any = None) -> None:
        assert group is self
        for name, weight in iterator:
            sent = post_iter_func((name, weight)) if post_iter_func else weight
            self.tensors.put((name, sent.clone()))


class OnCuda(Accelerator):
    """TRL's client sends weights from a GPU only; the stand-in takes them from anywhere."""

    device = property(lambda self: torch.device("cuda"))  # pyright: ignore


def use_stand_in(patch: pytest.MonkeyPatch, version: str = "0.31.0") -> Wire:
    """Have `vllm` and all that TRL imports of it found, and TRL's modules imported anew."""
    for name in OURS:
        importlib.import_module(name)  # as it is put back afterwards
    wire = Wire()
    LLM.live, LLM.made = [], []
    modules = {
        "vllm": {"LLM": LLM, "SamplingParams": SamplingParams, "RequestOutput": object,
                 "__version__": version, "__path__": []},
        "vllm.sampling_params": {"StructuredOutputsParams": object},
        "vllm.utils": {}, "vllm.distributed": {}, "vllm.distributed.weight_transfer": {},
        "vllm.utils.network_utils": {"get_ip": lambda: "127.0.0.1"},
        "vllm.distributed.weight_transfer.nccl_common": {"trainer_init": wire.open},
        "vllm.distributed.weight_transfer.packed_tensor": {
            "packed_nccl_broadcast_producer": wire.send,
        },
        "vllm.distributed.weight_transfer.nccl_engine": {
            "NCCLTrainerSendWeightsArgs": SimpleNamespace,
            "NCCLWeightTransferEngine": SimpleNamespace(
                trainer_init=wire.open,
                trainer_send_weights=lambda iterator, trainer_args: wire.send(
                    iterator, trainer_args.group
                ),
            ),
        },
    }  # fmt: skip
    for name, content in modules.items():
        module = ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        vars(module).update(content)
        patch.setitem(sys.modules, name, module)
    for name in (*TRLS, *OURS):
        patch.delitem(sys.modules, name)
    patch.setattr(vllm, "has_gpu", lambda: True)
    colocated = importlib.import_module(OURS[0])
    patch.setattr(colocated, "Accelerator", OnCuda)
    patch.setattr(colocated.torch.cuda, "empty_cache", lambda: None)
    return wire
