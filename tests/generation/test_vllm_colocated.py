"""vLLM in the trainer's process: TRL's own wrapper on a stand-in that keeps vLLM's rules."""

from __future__ import annotations

import gc
import os
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.generation.engine import SamplingParams
from rlskills.generation.vllm import VLLM
from rlskills.generation.vllm_host import VLLMHost
from rlskills.models.kernels import Kernels
from rlskills.models.loaded import LoadedModel
from rlskills.models.loading import load
from rlskills.models.tiny import TinyConfig, save_tiny
from rlskills.models.vllm_settings import VLLMSettings

from .stand_in import LLM, use_stand_in

PARAMS = SamplingParams(6, 1.0, 2)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    use_stand_in(monkeypatch)


def fresh(folder: Path) -> LoadedModel:
    return load(str(folder), Kernels("eager", "highest"))


def test_settings_reach_vllm(loaded: LoadedModel, prompts):
    settings = VLLMSettings(
        memory_share=0.4, max_length=90, max_sequences=8, sleep=True, model_impl="transformers"
    )
    VLLM(loaded, VLLMHost(settings)).sync(0)
    (llm,) = LLM.made
    given = {
        "gpu_memory_utilization": 0.4, "max_model_len": 90, "max_num_seqs": 8,
        "enable_sleep_mode": True, "model_impl": "transformers", "tensor_parallel_size": 1,
        "logprobs_mode": "processed_logprobs",
    }  # fmt: skip
    assert {name: llm.arguments[name] for name in given} == given
    VLLM(loaded).sync(0)
    plain = LLM.made[1].arguments
    assert (plain["gpu_memory_utilization"], plain["max_model_len"]) == (0.3, None)
    assert (plain["max_num_seqs"], plain["enable_sleep_mode"]) == (None, False)


def test_what_is_asked_and_what_comes_back(loaded: LoadedModel, prompts):
    engine = VLLM(loaded)
    found = engine.generate(prompts, SamplingParams(6, 0.7, 3, top_p=0.8), 9)
    (llm,) = LLM.made
    assert [prompt for prompt, _ in llm.asked] == prompts
    for _, how in llm.asked:
        assert (how.n, how.temperature, how.top_p, how.max_tokens) == (3, 0.7, 0.8, 6)
        assert how.stop_token_ids == sorted(loaded.codec.ends)
    assert len({how.seed for _, how in llm.asked}) == len(prompts)
    expected = [one for each in llm.asked for one in llm.weights.sample(*each)]
    assert [(row.ids, row.logprobs) for row in found] == expected


def test_the_completions_of_a_group_differ(loaded: LoadedModel, prompts):
    """Under one seed for all copies of a prompt they would be the same, and teach nothing."""
    found = VLLM(loaded).generate([prompts[0], prompts[0]], SamplingParams(8, 1.0, 4), 0)
    assert len({tuple(row.ids) for row in found}) == 8


def test_sleep_gives_memory_back_while_nothing_is_sampled(loaded: LoadedModel, prompts):
    engine = VLLM(loaded, VLLMHost(VLLMSettings(sleep=True)))
    engine.sync(0)
    (llm,) = LLM.made
    for _ in range(2):
        engine.generate(prompts, PARAMS, 0)
    engine.rest()
    engine.rest()
    assert llm.events == ["sleep", "wake weights", "load", "reset", "wake kv_cache", "generate",
                          "generate", "sleep"]  # fmt: skip
    assert not llm.awake
    engine.sync(0)  # the same step, but it has forgotten them
    engine.generate(prompts, PARAMS, 0)
    assert llm.events[8:] == ["wake weights", "load", "reset", "wake kv_cache", "generate"]
    engine.rest()
    engine.generate(prompts, PARAMS, 0)
    assert llm.events[13:] == ["sleep", *llm.events[8:13]]


def test_without_it_nothing_is_given_back(loaded: LoadedModel, prompts):
    engine = VLLM(loaded)
    for _ in range(2):
        engine.sync(4)
        engine.generate(prompts, PARAMS, 0)
        engine.rest()
    assert LLM.made[0].events == ["load", "reset", "generate", "generate"]


def test_one_vllm_is_handed_from_model_to_model(small_model: Path, prompts):
    host = VLLMHost()
    first = fresh(small_model)
    VLLM(first, host).generate(prompts, PARAMS, 0)
    gone = weakref.ref(first.model)
    del first
    gc.collect()
    assert gone() is None, "its memory is needed by the next arm"
    second = fresh(small_model)
    VLLM(second, host).generate(prompts, PARAMS, 0)
    assert len(LLM.made) == len(LLM.live) == 1
    assert LLM.made[0].weights.received == [[n for n, _ in second.model.named_parameters()]] * 2
    host.close()
    host.close()
    assert LLM.live == []


def test_another_shape_has_a_vllm_of_its_own_and_the_first_ends(
    small_model: Path, prompts, tmp_path: Path
):
    host = VLLMHost()
    VLLM(fresh(small_model), host).generate(prompts, PARAMS, 0)
    wider = TinyConfig(hidden=64, layers=1, heads=2, max_length=256)
    other = VLLM(fresh(save_tiny(tmp_path / "wider", seed=0, config=wider)), host)
    other.generate(prompts, PARAMS, 0)
    assert (len(LLM.made), LLM.live) == (2, [LLM.made[1]])


def test_a_trainer_that_is_made_later_finds_the_environment_as_it_was(loaded: LoadedModel):
    before = dict(os.environ)
    VLLM(loaded).sync(0)
    assert dict(os.environ) == before


def test_prompts_that_do_not_fit_are_refused(loaded: LoadedModel, prompts):
    engine, longest = VLLM(loaded, VLLMHost(VLLMSettings(max_length=60))), max(map(len, prompts))
    engine.generate(prompts, SamplingParams(60 - longest), 0)
    with pytest.raises(UserError, match=rf"room for 60 tokens; a prompt of {longest} with"):
        engine.generate(prompts, SamplingParams(61 - longest), 0)


def test_a_vllm_that_does_not_start_says_why_in_one_line(loaded: LoadedModel, monkeypatch):
    def refuse(**_: Any) -> None:
        raise ValueError("max seq len is larger than\nthe KV cache")

    module = sys.modules["trl.generation.vllm_generation"]
    monkeypatch.setattr(module, "LLM", refuse)
    with pytest.raises(UserError, match="vllm does not start: max seq len is larger than the KV"):
        VLLM(loaded).sync(0)
    ours = sys.modules["rlskills.generation.vllm_colocated"]
    sharded = SimpleNamespace(state=SimpleNamespace(fsdp_plugin=object()))
    monkeypatch.setattr(ours, "Accelerator", lambda: sharded)
    with pytest.raises(UserError, match="not with FSDP"):
        VLLM(loaded).sync(0)
