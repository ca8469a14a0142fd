"""Sharded weights made whole: what is computed with them, and that they are shards again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed import destroy_process_group, init_process_group
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor

from rlskills.generation.engine import SamplingParams
from rlskills.generation.exactness import unsupported
from rlskills.generation.hf import Transformers
from rlskills.generation.llama_cpu import LlamaCPU
from rlskills.models.loaded import LoadedModel
from rlskills.models.sharding import FSDP2, class_of

from .engines import loaded_of
from .shapes import PROMPTS, made

PARAMS = SamplingParams(6, n=2, logprobs=True)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A group of one process: its shards are whole, but handled like any."""
    init_process_group("gloo", f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    destroy_process_group()


def whole(tied: bool) -> LoadedModel:
    """The same weights at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return loaded_of(made("llama", tie_word_embeddings=tied))


def sharded(tied: bool) -> LoadedModel:
    """As accelerate shards: each layer, embeddings and head with the last norm, then the rest."""
    model = whole(tied).model
    for layer in model.model.layers:
        fully_shard(layer, reshard_after_forward=True)
    if not tied:
        fully_shard(model.model.embed_tokens)
    tail = [model.model.norm, *([model.model.embed_tokens] if tied else []), model.lm_head]
    fully_shard(tail, reshard_after_forward=False)
    fully_shard(model)
    loaded = loaded_of(model)
    loaded.shards = FSDP2(model)
    return loaded


def all_sharded(model: Any) -> bool:
    return all(isinstance(weight, DTensor) for weight in model.parameters())


@pytest.mark.parametrize("engine", [LlamaCPU, Transformers])
@pytest.mark.parametrize("tied", [False, True])
def test_samples_and_their_probabilities_are_those_of_whole_weights(group, engine, tied: bool):
    expected = engine(whole(tied))
    loaded = sharded(tied)
    for _ in range(2):
        with loaded.whole_weights():
            assert not any(isinstance(weight, DTensor) for weight in loaded.model.parameters())
            found = engine(loaded).generate(PROMPTS, PARAMS, 0)
        assert found == expected.generate(PROMPTS, PARAMS, 0)
        assert all_sharded(loaded.model)


def test_our_decoder_knows_a_sharded_model_while_it_is_whole(group):
    loaded = sharded(False)
    assert class_of(loaded.model).__name__ == "LlamaForCausalLM"
    assert "DTensor" in str(unsupported(loaded.model))
    with loaded.whole_weights():
        assert unsupported(loaded.model) is None
    assert "DTensor" in str(unsupported(loaded.model))


def test_training_goes_on_as_if_nothing_had_been_between(group):
    ids = torch.tensor([PROMPTS[2]])
    gradients = []
    for between in (False, True):
        loaded = sharded(True)
        model = loaded.model
        flags = [_flags(model)]
        if between:
            with suppress(KeyError), loaded.whole_weights():
                Transformers(loaded).generate(PROMPTS, PARAMS, 0)
                raise KeyError
        model(input_ids=ids, labels=ids).loss.backward()
        if between:
            with loaded.whole_weights():
                Transformers(loaded).generate(PROMPTS, PARAMS, 0)
            flags.append(_flags(model))
            assert flags[0][1:] == flags[1][1:]
        gradients.append([weight.grad.full_tensor() for weight in model.parameters()])
    assert all(map(torch.equal, *gradients))


def _flags(model: Any) -> list[bool]:
    """Which parts let go of their weights behind a pass."""
    parts = [part for part in model.modules() if isinstance(part, FSDPModule)]
    return [part._get_fsdp_state()._fsdp_param_groups[0]._reshard_after_forward
            for part in parts if part._get_fsdp_state()._fsdp_param_groups]  # fmt: skip


def test_the_whole_state_knows_tied_weights_as_one(group, tmp_path: Path):
    loaded = sharded(True)
    loaded.save(tmp_path / "sharded")
    whole(True).save(tmp_path / "whole")
    assert all_sharded(loaded.model)
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "sharded" / name).read_bytes() == (
            tmp_path / "whole" / name
        ).read_bytes()
