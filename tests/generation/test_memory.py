"""What is decoded at a time fits into the tokens that memory allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache

from rlskills.evaluation.evaluate import evaluate
from rlskills.evaluation.settings import EvalConfig
from rlskills.generation import llama_cpu
from rlskills.generation.batching import generate_within
from rlskills.generation.decoder import Decoder
from rlskills.generation.engine import Completion, SamplingParams
from rlskills.generation.hf import Transformers
from rlskills.generation.llama_cpu import LlamaCPU
from rlskills.models.loading import load
from rlskills.models.traits import LEAST, MOST, Traits
from rlskills.training.settings import RLSettings
from rlskills.training.trl import RLTrainer

from ..training import small
from .engines import KERNELS, loaded_of


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 7), st.integers(1, 9),
    st.integers(1, 400),
)  # fmt: skip
def test_parts_fit_and_come_back_in_order(lengths: list[int], n: int, new: int, tokens: int):
    calls: list[tuple[int, int]] = []

    def generate(prompts, params, seed):
        width = max(map(len, prompts)) + params.max_new_tokens
        calls.append((len(prompts) * params.n, width))
        return [Completion([len(p), i], "stop") for p in prompts for i in range(params.n)]

    prompts = [[7] * length for length in lengths]
    found = generate_within(tokens, generate, prompts, SamplingParams(new, 1.0, n), 3)
    assert [one.ids[0] for one in found] == [length for length in lengths for _ in range(n)]
    assert all(rows == 1 or rows * width <= tokens for rows, width in calls)
    whole = n * len(lengths) * (max(lengths) + new)
    assert (len(calls) == 1) == (whole <= tokens or n * len(lengths) == 1)


def test_parts_are_drawn_with_seeds_of_their_own():
    seeds: list[int] = []

    def generate(prompts, params, seed):
        seeds.append(seed)
        return [Completion([1], "stop")] * len(prompts) * params.n

    generate_within(20, generate, [[1] * 5] * 3, SamplingParams(5, 1.0, 4), 3)
    assert len(set(seeds)) == len(seeds) > 3
    seeds.clear()
    generate_within(10**6, generate, [[1] * 5] * 3, SamplingParams(5, 1.0, 4), 3)
    assert seeds == [3]


@pytest.fixture
def caches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Rows and columns of keys and values that were held at a time, by any engine on a CPU."""
    shapes: list[tuple[int, int]] = []

    class Noting(Decoder):
        def spread(self, members: int, capacity: int) -> None:
            shapes.append((len(self.bias) * members, self.bias.shape[-1] + capacity))
            super().spread(members, capacity)

    update = DynamicCache.update

    def note(self: Any, keys: Any, values: Any, *more: Any, **settings: Any) -> Any:
        held = update(self, keys, values, *more, **settings)
        shapes.append((held[0].shape[0], held[0].shape[2]))
        return held

    monkeypatch.setattr(llama_cpu, "Decoder", Noting)
    monkeypatch.setattr(DynamicCache, "update", note)
    return shapes


def assert_within(tokens: int, caches: list[tuple[int, int]]) -> None:
    assert all(rows == 1 or rows * columns <= tokens for rows, columns in caches), caches
    assert max(rows * columns for rows, columns in caches) > tokens / 2


@pytest.mark.parametrize("make", [LlamaCPU, Transformers])
def test_an_engine_keeps_to_them(make: Any, model: Any, prompts, caches):
    loaded = loaded_of(model)
    lots = make(loaded).generate(prompts * 3, SamplingParams(9, 1.0, 4), 0)
    assert max(rows * columns for rows, columns in caches) > 400
    caches.clear()
    few = make(replace(loaded, kernels=replace(KERNELS, batch_tokens=400)))
    found = few.generate(prompts * 3, SamplingParams(9, 1.0, 4), 0)
    assert_within(400, caches)
    assert len(found) == len(lots) == 4 * 3 * len(prompts)


def test_evaluation_and_training_keep_to_them(small_model: Path, caches, tmp_path: Path):
    torch.set_num_threads(1)
    loaded = load(str(small_model), replace(small.KERNELS, batch_tokens=150))
    (_, record) = evaluate(loaded, list(small.EVAL_SETS), EvalConfig(6, samples=4))
    assert [task["samples"] for task in record["tasks"]] == [4] * 8
    assert_within(150, caches)
    caches.clear()
    settings = RLSettings(
        max_steps=1, prompts_per_step=4, group_size=4, max_new_tokens=6, eval_every=0,
        treatments=("grpo?zero_variance=keep",),
    )  # fmt: skip
    trainer = RLTrainer(loaded, small.stream(), settings, tmp_path)
    trainer._generate_and_score_completions(next(iter(trainer)))
    assert len(list(trainer.rounds[0])) == 16
    assert_within(150, caches)


def test_tokens_that_fit_depend_on_the_size_of_the_cache():
    small, large = Traits(cached_numbers=2**8), Traits(cached_numbers=2**22)
    assert small.tokens_that_fit("cpu", "float32") == MOST
    assert LEAST <= large.tokens_that_fit("cpu", "float32") < MOST
    assert large.tokens_that_fit("cpu", "bfloat16") >= large.tokens_that_fit("cpu", "float32")


@given(st.integers(0, 2**42), st.floats(0.8, 1.2))
def test_what_another_program_holds_seldom_changes_them(free: int, noise: float):
    """An arm that starts anew should sample in the same parts: they decide what is drawn."""
    traits = Traits(cached_numbers=2**16)
    found = []
    for available in (free, int(free * noise)):
        memory = SimpleNamespace(available=available)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psutil, "virtual_memory", lambda memory=memory: memory)
            found.append(traits.tokens_that_fit("cpu", "float32"))
    assert all(tokens.bit_count() == 1 for tokens in found)
    assert max(found) <= 2 * min(found)


def test_the_tiny_preset_has_all_of_them_on_any_machine():
    traits = Traits(cached_numbers=2 * 3 * 96)
    with pytest.MonkeyPatch.context() as patch:
        memory = SimpleNamespace(available=3 * 2**30)
        patch.setattr(psutil, "virtual_memory", lambda: memory)
        assert traits.tokens_that_fit("cpu", "float32") == MOST
