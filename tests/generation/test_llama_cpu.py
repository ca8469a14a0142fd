"""Our own decoder computes what the library computes."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from rlskills.generation.decoder import Decoder
from rlskills.generation.engine import SamplingParams
from rlskills.generation.exactness import unsupported
from rlskills.generation.llama_cpu import BLOCK, WIDEST, LlamaCPU, decode, draw, read_prompts

from .engines import ENDS, ids_of, loaded_of, other
from .shapes import PROMPTS, SHAPES, made, of_library, stepwise


def test_greedy_decoding_equals_the_library(model, prompts):
    assert unsupported(model) is None
    params = SamplingParams(40, 0.0)
    ours = decode(model, prompts, params, 0, ENDS)
    assert ids_of(ours) == ids_of(other(model).generate(prompts, params, 0))
    assert (
        len({len(row.ids) for row in ours}) > 1
    )  # some end early: the dropping of rows is at work


def test_greedy_does_not_depend_on_the_batch(model, prompts):
    params = SamplingParams(30, 0.0)
    together = decode(model, prompts, params, 0, ENDS)
    alone = [decode(model, [prompt], params, 5, ENDS)[0] for prompt in prompts]
    assert together == alone


def test_samples_follow_the_models_distribution(model, prompts):
    prompt, temperature, count = prompts[0], 0.8, 20_000
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1]
    expected = (logits / temperature).softmax(-1)
    drawn = decode(model, [prompt], SamplingParams(1, temperature, count), 3, ENDS)
    counts = Counter(row.ids[0] for row in drawn)
    for token, p in enumerate(expected.tolist()):
        assert abs(counts[token] / count - p) < 5 * math.sqrt(p * (1 - p) / count) + 1e-4


def test_several_end_tokens_end_a_completion(model, prompts):
    ends = frozenset({1, 20, 30, 40})
    found = decode(model, prompts, SamplingParams(40, 1.0, 8), 0, ends)
    assert len({row.ids[-1] for row in found if row.finish_reason == "stop"}) > 1
    for row in found:
        assert not ends & set(row.ids[:-1])
        assert (row.ids[-1] in ends) == (row.finish_reason == "stop")


def test_samples_from_a_large_vocabulary_follow_the_models_distribution():
    model, count, ends = made("llama", vocab_size=2 * BLOCK + 7), 20_000, frozenset({1})
    (logits,) = of_library(model, PROMPTS[:1], [[]])
    expected = (logits[-1] / 0.7).softmax(-1).tolist()
    drawn = decode(model, PROMPTS[:1], SamplingParams(1, 0.7, count), 3, ends)
    counts = Counter(row.ids[0] for row in drawn)
    assert len(counts) > 20
    for token, p in enumerate(expected):
        assert abs(counts[token] / count - p) < 5 * math.sqrt(p * (1 - p) / count) + 1e-4


def test_what_has_no_probability_is_never_drawn():
    probabilities = torch.zeros(5000, 2 * BLOCK + 7)
    probabilities[:, [3, 300, 518]] = torch.tensor([0.25, 0.5, 0.25])
    drawn = draw(probabilities, torch.Generator().manual_seed(0))
    assert sorted(set(drawn.tolist())) == [3, 300, 518]


@pytest.mark.parametrize("name", SHAPES)
def test_logits_of_every_shape_are_the_librarys(name):
    kind, settings = SHAPES[name]
    model = made(kind, **settings)
    assert unsupported(model) is None
    replies = [[(7 * row + 3 * at) % 40 for at in range(9)] for row in range(len(PROMPTS))]
    ours, theirs = (how(model, PROMPTS, replies) for how in (stepwise, of_library))
    assert theirs.std() > 0.5
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_greedy_tokens_of_every_shape_are_the_librarys(name):
    kind, settings = SHAPES[name]
    model = made(kind, **settings)
    ends = frozenset({1, 2, 17, 33})
    engine = other(model, ends)
    ours = decode(model, PROMPTS, SamplingParams(24, 0.0, 3), 0, ends)
    theirs = engine.generate(PROMPTS, SamplingParams(24, 0.0), 0)
    assert ours == [row for row in theirs for _ in range(3)]
    assert len({tuple(row.ids) for row in ours}) == len(PROMPTS)


@pytest.mark.parametrize("name", SHAPES)
def test_logprobs_of_every_shape_are_the_models(name):
    kind, settings = SHAPES[name]
    model = made(kind, **settings)
    params = SamplingParams(10, 1.3, 4, logprobs=True)
    drawn = decode(model, PROMPTS, params, 3, frozenset({1}))
    assert len({tuple(row.ids) for row in drawn}) > len(PROMPTS)
    for i, row in enumerate(drawn):
        (logits,) = of_library(model, [PROMPTS[i // 4]], [row.ids])
        expected = (logits[:-1] / 1.3).log_softmax(-1)
        assert row.logprobs == pytest.approx(
            [expected[at, token].item() for at, token in enumerate(row.ids)], abs=1e-4
        )


def test_keys_and_values_are_kept_once_for_the_heads_that_share_them():
    model = made("llama", hidden_size=144, num_key_value_heads=1)
    decoder = Decoder(model, 4)
    read_prompts(decoder, PROMPTS, model.device)
    decoder.spread(3, 5)
    for cache in decoder.caches:
        assert cache.prompt_keys.numel() == cache.prompt_values.numel() == 4 * 7 * 36
        assert cache.keys.numel() == cache.values.numel() == 4 * 3 * 5 * 36


def test_the_prompts_of_a_group_are_read_once(monkeypatch):
    read = []

    def noting(self, ids, *rest):
        read.append(tuple(ids.shape))
        return original(self, ids, *rest)

    original = Decoder.read
    monkeypatch.setattr(Decoder, "read", noting)
    found = decode(made("qwen2"), PROMPTS, SamplingParams(3, 1.0, 16), 0, ENDS)
    assert len(found) == 64
    assert read == [(4, 7)]


def test_a_width_that_was_not_measured_is_left_to_the_library():
    wide = made("llama", hidden_size=2 * WIDEST, intermediate_size=8, num_hidden_layers=1)
    assert unsupported(wide) is None
    assert str(WIDEST) in str(LlamaCPU(loaded_of(wide)).refuses(SamplingParams(1)))
