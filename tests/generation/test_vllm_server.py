"""vLLM as a server: TRL's own client against a stand-in that speaks its protocol."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rlskills.environments import seed_from
from rlskills.errors import UserError
from rlskills.generation.engine import SamplingParams
from rlskills.generation.vllm import VLLM
from rlskills.generation.vllm_host import Draw, VLLMHost
from rlskills.models.kernels import Kernels
from rlskills.models.loaded import LoadedModel
from rlskills.models.loading import load
from rlskills.models.lora import merged
from rlskills.models.options import LoraOptions, ModelOptions
from rlskills.models.vllm_settings import VLLMSettings

from .engines import ENDS
from .stand_in import Wire, use_stand_in
from .stand_in_server import StandInServer

VERSIONS = ("0.25.0", "0.31.0")
"""Before and after vLLM 0.28, for which TRL sends weights in another way."""


@pytest.fixture(params=VERSIONS[1:])
def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Wire:
    found = use_stand_in(monkeypatch, request.param)
    import rlskills.generation.vllm_server  # noqa: F401  anew

    monkeypatch.setattr(sys.modules["rlskills.generation.vllm_server"], "PAUSE", 0.05)
    return found


@pytest.fixture
def server(small_model: Path, wire: Wire) -> Iterator[StandInServer]:
    found = StandInServer(str(small_model), wire)
    yield found
    found.go()


def host_of(server: StandInServer, timeout: float = 5.0) -> VLLMHost:
    return VLLMHost(VLLMSettings("server", server_url=server.url, timeout=timeout))


def names(loaded: LoadedModel) -> list[str]:
    return [name for name, _ in loaded.model.named_parameters()]


def test_what_is_asked_and_what_comes_back(loaded: LoadedModel, prompts, server):
    engine = VLLM(loaded, host_of(server))
    engine.sync(0)
    params = SamplingParams(25, 1.3, 6, top_p=0.9)
    found = engine.generate(prompts, params, 5)
    seeds = [seed_from("vllm", 5, place) for place in range(len(prompts))]
    asked = {body["seed"]: body for body in server.asked}
    assert [asked[seed]["prompt"] for seed in seeds] == [[prompt] for prompt in prompts]
    assert len(server.asked) == len(prompts)
    for body in server.asked:
        assert (body["n"], body["max_tokens"]) == (6, 25)
        assert (body["temperature"], body["top_p"]) == (1.3, 0.9)
        assert (body["top_k"], body["min_p"], body["repetition_penalty"]) == (0, 0.0, 1.0)
        assert body["stop_token_ids"] == sorted(loaded.codec.ends) == sorted(ENDS)
        assert (body["logprobs"], body["return_token_ids"]) == (0, True)
    expected = []
    for prompt, seed in zip(prompts, seeds, strict=True):
        keywords = Draw(6, 1.3, 0.9, 25, tuple(ENDS)).keywords
        how: Any = type("How", (), {**keywords, "seed": seed, "stop_token_ids": ENDS})
        expected += server.weights.sample(prompt, how)
    assert [(row.ids, row.logprobs) for row in found] == expected
    assert {row.finish_reason for row in found} == {"stop", "length"}


def test_every_prompt_has_a_seed_of_its_own(loaded: LoadedModel, prompts, server):
    engine = VLLM(loaded, host_of(server))
    twice = [prompts[0], prompts[0]]
    first = engine.generate(twice, SamplingParams(8, 1.0, 2), 1)
    assert len({tuple(row.ids) for row in first}) == 4, "of one prompt too"
    assert first == engine.generate(twice, SamplingParams(8, 1.0, 2), 1)
    assert first != engine.generate(twice, SamplingParams(8, 1.0, 2), 2)


def test_greedy_samples_are_asked_for_once(loaded: LoadedModel, prompts, server):
    found = VLLM(loaded, host_of(server)).generate(prompts, SamplingParams(5, 0.0, 3), 1)
    assert [found[i].ids for i in range(0, len(found), 3)] == [row.ids for row in found[1::3]]
    assert {body["n"] for body in server.asked} == {1}


@pytest.mark.parametrize("wire", VERSIONS, indirect=True)
def test_weights_are_sent_once_for_each_step(loaded: LoadedModel, prompts, server, wire):
    engine = VLLM(loaded, host_of(server))
    engine.generate(prompts, SamplingParams(2), 0)  # unasked, since it has none yet
    for step in (0, 0, 1, 1, 2):
        engine.sync(step)
    assert server.weights.received == [names(loaded)] * 3
    sent = [path for path in server.paths if "weight" in path or "reset" in path]
    assert sent == ["/init_weight_transfer_engine"] + 3 * [
        "/start_weight_update", "/update_weights", "/finish_weight_update", "/reset_prefix_cache",
    ]  # fmt: skip
    (opened,) = wire.opened
    assert opened == server.ready
    assert (opened["rank_offset"], opened["world_size"], opened["master_port"]) == (1, 3, 51216)
    for name, weight in loaded.model.named_parameters():
        held = dict(server.weights.model.named_parameters())[name]
        assert torch.equal(held, weight.to(torch.bfloat16).float())


def test_models_take_turns_on_one_server(loaded: LoadedModel, small_model: Path, prompts, server):
    """Also where their weights are of other types: a server is told what it receives."""
    host = host_of(server)
    options = ModelOptions(lora=LoraOptions(rank=4), base_dtype="bfloat16")
    other = load(str(small_model), Kernels("eager", "highest"), options=options)
    one, two = VLLM(loaded, host), VLLM(other, host)
    params = SamplingParams(6, 0.0)
    first = one.generate(prompts, params, 0)
    assert two.generate(prompts, params, 0) != first
    assert one.generate(prompts, params, 0) == first
    assert len(server.weights.received) == 3
    assert server.paths.count("/init_weight_transfer_engine") == 1


def test_a_server_that_is_away_for_a_while_is_waited_for(loaded: LoadedModel, prompts, server):
    engine = VLLM(loaded, host_of(server))
    params = SamplingParams(6, 1.0, 2)
    first = engine.generate(prompts, params, 0)
    for again in (lambda: engine.generate(prompts, params, 0), lambda: engine.sync(1)):
        server.go()
        threading.Timer(0.4, server.come).start()
        began = time.monotonic()
        assert again() in (first, None)
        assert time.monotonic() - began > 0.3
    assert len(server.weights.received) == 2
    server.busy = 1
    assert engine.generate(prompts, params, 0) == first


def test_one_that_stays_away_ends_the_run_in_one_line(loaded: LoadedModel, prompts, server):
    engine = VLLM(loaded, host_of(server, timeout=0.4))
    engine.sync(0)
    server.go()
    for call in (
        lambda: engine.generate(prompts, SamplingParams(2), 0),
        lambda: engine.sync(1),
        lambda: VLLM(loaded, host_of(server, timeout=0.2)).sync(0),
    ):
        began = time.monotonic()
        with pytest.raises(UserError, match="no vLLM server answers at http") as error:
            call()
        assert "\n" not in str(error.value)
        assert "VLLM_SERVER_DEV_MODE=1 vllm serve" in str(error.value)
        assert time.monotonic() - began < 5
    server.come()


def test_one_that_was_started_again_is_not_sampled_from(loaded: LoadedModel, prompts, server):
    engine = VLLM(loaded, host_of(server))
    engine.sync(0)
    server.go()
    server.begin()
    server.come()
    server.weights.begin()  # another run's weights, so that it answers
    for name, weight in loaded.model.named_parameters():
        server.weights.load(name, weight)
    with pytest.raises(UserError, match="started again and has lost the weights"):
        engine.generate(prompts, SamplingParams(2), 0)
    assert server.asked
    with pytest.raises(UserError, match="started again and has lost the weights"):
        engine.sync(1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "raw_logprobs"}, "--logprobs-mode processed_logprobs"),
        ({"transfer": None}, "--weight-transfer-config"),
        ({"on_server_info": None}, "VLLM_SERVER_DEV_MODE=1"),
        ({"fail": "/v1/completions"}, "engine core died"),
        ({"fail": "/update_weights"}, "engine core died"),
    ],
    ids=str,
)
def test_errors_of_the_server_are_one_line(loaded: LoadedModel, prompts, server, change, words):
    vars(server).update(change)
    with pytest.raises(UserError) as error:
        VLLM(loaded, host_of(server)).generate(prompts, SamplingParams(2), 0)
    assert str(error.value).startswith(f"the vLLM server at {server.url}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_prompts_that_do_not_fit_are_not_sent(loaded: LoadedModel, prompts, server):
    engine = VLLM(loaded, host_of(server))
    longest = max(map(len, prompts))
    engine.generate(prompts, SamplingParams(90 - longest), 0)
    with pytest.raises(UserError, match=rf"room for 90 tokens; a prompt of {longest} with"):
        engine.generate(prompts, SamplingParams(91 - longest), 0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_adapters_are_sent_as_weights_and_leave_those_below_alone(
    small_model: Path, prompts, server, dtype
):
    def adapted() -> LoadedModel:
        options = ModelOptions(lora=LoraOptions(rank=4), base_dtype=dtype)
        found = load(str(small_model), Kernels("eager", "highest"), options=options)
        with torch.no_grad():
            generator = torch.Generator().manual_seed(3)
            for name, weight in found.model.named_parameters():
                if "lora_B" in name:
                    weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
        return found

    loaded = adapted()
    before = {name: p.detach().clone() for name, p in loaded.model.named_parameters()}
    engine = VLLM(loaded, host_of(server))
    for step in range(5):
        engine.sync(step)
    now = dict(loaded.model.named_parameters())
    assert all(torch.equal(now[name], weight) for name, weight in before.items())
    whole = dict(merged(adapted().model).named_parameters())
    held = dict(server.weights.model.named_parameters())
    assert [set(each) for each in server.weights.received] == [set(whole)] * 5
    assert held.keys() == whole.keys()
    for name, weight in whole.items():
        torch.testing.assert_close(held[name], weight, rtol=1e-2, atol=1e-3)
    plain = load(str(small_model), Kernels("eager", "highest")).model.state_dict()
    moved = [n for n in held if not torch.equal(held[n], plain[n].to(torch.bfloat16).float())]
    assert len(moved) == sum("lora_B" in name for name in before)
