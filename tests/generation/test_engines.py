"""What every engine owes: one contract for our decoder, transformers and a chain of engines."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from rlskills.errors import UserError
from rlskills.generation.batching import generate_in_batches
from rlskills.generation.engine import Engine, SamplingParams, completion_of
from rlskills.generation.llama_cpu import LlamaCPU
from rlskills.generation.select import ENGINES, FirstThatCan, select_engine
from rlskills.generation.vllm import VLLM
from rlskills.models.loaded import LoadedModel

from .engines import ENDS, ids_of, loaded_of, other

MAKERS = {
    "llama_cpu": lambda model: LlamaCPU(loaded_of(model)),
    "transformers": other,
    "chain": lambda model: FirstThatCan([LlamaCPU(loaded_of(model)), other(model)], print),
}


@pytest.fixture(params=MAKERS)
def engine(request: pytest.FixtureRequest, model: Any) -> Engine:
    return MAKERS[request.param](model)


def cooling(position: int) -> float:
    """A temperature that falls within a completion."""
    return 1.5 if position < 2 else 1e-4


def test_it_is_an_engine(engine: Engine):
    assert isinstance(engine, Engine)
    engine.sync(3)


def test_completions_end_at_an_end_token_or_at_the_limit(engine: Engine, prompts):
    found = engine.generate(prompts, SamplingParams(25, 1.0, 4), 0)
    assert len(found) == 4 * len(prompts)
    for row in found:
        assert 1 <= len(row.ids) <= 25
        assert not ENDS & set(row.ids[:-1])
        assert row.finish_reason == ("stop" if row.ids[-1] in ENDS else "length")
        assert row.finish_reason == "stop" or len(row.ids) == 25
        assert row.logprobs is None
    assert {row.finish_reason for row in found} == {"stop", "length"}


def test_the_same_seed_gives_the_same_samples(engine: Engine, prompts):
    params = SamplingParams(12, 1.0, 3)
    torch.manual_seed(1)
    first = engine.generate(prompts, params, 7)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.rand(1) == after  # global generators are left alone
    assert first == engine.generate(prompts, params, 7)
    assert first != engine.generate(prompts, params, 8)


@pytest.mark.parametrize("temperature", [0.7, cooling], ids=["constant", "cooling"])
def test_logprobs_are_those_of_the_distribution_drawn_from(
    engine: Engine, model: Any, prompts, temperature
):
    params = SamplingParams(6, temperature, 2, logprobs=True)
    for i, row in enumerate(engine.generate(prompts, params, 3)):
        prompt = prompts[i // 2]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*prompt, *row.ids]])).logits[0]
        assert row.logprobs is not None
        assert len(row.logprobs) == len(row.ids)
        for at, (token, logprob) in enumerate(zip(row.ids, row.logprobs, strict=True)):
            scaled = logits[len(prompt) - 1 + at] / params.temperature_at(at)
            assert logprob == pytest.approx(scaled.log_softmax(-1)[token].item(), abs=2e-3)


def test_a_temperature_that_falls_to_0_ends_greedily(engine: Engine, model: Any, prompts):
    found = engine.generate(prompts, SamplingParams(8, cooling, 6), 1)
    starts = set()
    for i, row in enumerate(found):
        starts.add((i // 6, *row.ids[:2]))
        prompt = prompts[i // 6]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*prompt, *row.ids]])).logits[0]
        for at in range(2, len(row.ids)):
            assert row.ids[at] == int(logits[len(prompt) - 1 + at].argmax())
    assert len(starts) > len(prompts)


def test_many_prompts_go_in_batches_and_come_back_in_order(model: Any, prompts):
    sizes = []

    class Noting(LlamaCPU):
        def generate(self, prompts, params, seed):
            sizes.append(len(prompts) * params.n)
            return super().generate(prompts, params, seed)

    engine, params = Noting(loaded_of(model)), SamplingParams(9, 0.0, 2)
    many = [prompts[i % 4] for i in range(10)]
    found = generate_in_batches(engine, many, params, 0, rows=6)
    assert ids_of(found) == ids_of(engine.generate(many, params, 0))
    assert sizes[:-1] == [6, 6, 6, 2]
    warm = SamplingParams(9, 1.0, 2)
    first, second = (generate_in_batches(engine, many, warm, 3, rows=6) for _ in range(2))
    assert first == second


def test_what_was_asked_for_and_cannot_be_is_named_once(loaded: LoadedModel, prompts):
    notes: list[str] = []
    engine = select_engine(loaded, "vllm", notes.append)
    for seed in (0, 1):
        found = engine.generate(prompts, SamplingParams(5), seed)
        assert len(found) == len(prompts)
    assert len(notes) == 1
    assert notes[0].startswith("vllm ")
    assert notes[0].endswith("; sampling with llama_cpu")
    # Unasked, nothing is said.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        select_engine(loaded).generate(prompts, SamplingParams(5), 0)


def test_where_nothing_can_sample_the_reasons_are_given(loaded: LoadedModel):
    vllm = VLLM(loaded)
    with pytest.raises(UserError, match=r"vllm (is not installed|needs a CUDA GPU)"):
        FirstThatCan([vllm], print).generate([[5]], SamplingParams(3), 0)
    with pytest.raises(UserError, match="unknown engine 'vlm'; did you mean 'vllm'"):
        select_engine(loaded, "vlm")
    assert set(ENGINES) == {"auto", "llama_cpu", "transformers", "vllm"}


def test_what_lies_behind_the_end_is_dropped():
    found = completion_of([5, 1, 7, 1], ENDS, [-1.0, -2.0, -3.0, -4.0])
    assert (found.ids, found.finish_reason, found.logprobs) == ([5, 1], "stop", [-1.0, -2.0])
    assert completion_of([5, 6], ENDS).finish_reason == "length"
