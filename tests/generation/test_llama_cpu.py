from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
import torch

from rlskills.generation.complete import _generate, complete
from rlskills.generation.llama_cpu import Sampling, decode, supports
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load_model, load_tokenizer

PROMPTS = [
    "F01(abc)?",
    "x",
    "a much longer prompt than the others, to have padding",
    "F02(F03(h))?",
]


@pytest.fixture(scope="module")
def model(small_model: Path):
    loaded = load_model(str(small_model), Kernels("eager", "highest")).eval()
    # Untrained, it would go round in circles: larger weights give varied text and ends.
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for weight in loaded.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
    return loaded


@pytest.fixture(scope="module")
def prompts(small_model: Path) -> list[list[int]]:
    return load_tokenizer(str(small_model))(PROMPTS)["input_ids"]  # pyright: ignore


def test_greedy_decoding_equals_the_library(model, prompts):
    assert supports(model)
    ours = decode(model, prompts, Sampling(40, 0.0), seed=0)
    assert ours == _generate(model, prompts, Sampling(40, 0.0), seed=0)
    assert len({len(row) for row in ours}) > 1  # some end early: the dropping of rows is at work


def test_greedy_does_not_depend_on_the_batch(model, prompts):
    together = decode(model, prompts, Sampling(30, 0.0), seed=0)
    alone = [decode(model, [prompt], Sampling(30, 0.0), seed=5)[0] for prompt in prompts]
    assert together == alone


def test_samples_follow_the_models_distribution(model, prompts):
    prompt, temperature, count = prompts[0], 0.8, 20_000
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1]
    expected = (logits / temperature).softmax(-1)
    drawn = decode(model, [prompt], Sampling(1, temperature, count), seed=3)
    counts = Counter(row[0] for row in drawn)
    for token, p in enumerate(expected.tolist()):
        assert abs(counts[token] / count - p) < 5 * math.sqrt(p * (1 - p) / count) + 1e-4


def test_same_seed_same_samples_and_groups_are_contiguous(model, prompts):
    sampling = Sampling(12, 1.0, 3)
    first = complete(model, prompts, sampling, seed=7, batch_rows=6)
    assert first == complete(model, prompts, sampling, seed=7, batch_rows=6)
    assert first != complete(model, prompts, sampling, seed=8, batch_rows=6)
    assert len(first) == 3 * len(prompts)


def test_both_engines_cut_at_the_limit_and_end_at_the_end_token(model, prompts):
    end = model.config.eos_token_id
    for engine in (decode, _generate):
        for row in engine(model, prompts, Sampling(25, 1.0, 4), 0):
            assert len(row) <= 25
            assert end not in row[:-1]
            assert len(row) == 25 or row[-1] == end


def test_other_architectures_are_left_to_the_library():
    from transformers import GPT2Config, GPT2LMHeadModel

    other = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=20))
    assert not supports(other)
