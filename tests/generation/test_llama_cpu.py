"""Our own decoder computes what the library computes."""

from __future__ import annotations

import math
from collections import Counter

import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from rlskills.generation.engine import SamplingParams
from rlskills.generation.llama_cpu import decode, unsupported

from .engines import ENDS, ids_of, other


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


def test_other_models_are_left_to_the_library():
    gpt = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=20))
    assert "GPT2LMHeadModel" in str(unsupported(gpt))
    grouped = LlamaForCausalLM(
        LlamaConfig(vocab_size=20, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                    num_attention_heads=2, num_key_value_heads=1)
    )  # fmt: skip
    assert "grouped-query" in str(unsupported(grouped))


def test_several_end_tokens_end_a_completion(model, prompts):
    ends = frozenset({1, 20, 30, 40})
    found = decode(model, prompts, SamplingParams(40, 1.0, 8), 0, ends)
    assert len({row.ids[-1] for row in found if row.finish_reason == "stop"}) > 1
    for row in found:
        assert not ends & set(row.ids[:-1])
        assert (row.ids[-1] in ends) == (row.finish_reason == "stop")
