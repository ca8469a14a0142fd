"""Every form of the loss pass computes what the padded one computes, gradients as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from trl.trainer.utils import add_fused_lm_head

from rlskills.models.kernels import Kernels
from rlskills.training import logprobs
from rlskills.training.logprobs import Form, choose_form, packed_row, shared_prompts

from ..generation.shapes import SHAPES, made

CPU = Kernels("eager", "highest", "float32", 1)
FLASH = Kernels("flash_attention_2", "highest", "bfloat16", 1)
PROMPTS = [[5, 9, 11], [7, 8], [3, 4, 8, 20, 21, 22, 30]]
"""Each is followed by several completions of different lengths."""


def rows_of(members: tuple[int, ...] = (3, 2, 4)) -> tuple[Tensor, Tensor, int]:
    """Ids and mask (rows, 7 + 6) with prompts padded left and completions right, by token 0, which
    also occurs as a token; and the length of the completions."""
    ids, mask = [], []
    for prompt, count in zip(PROMPTS, members, strict=True):
        for member in range(count):
            written = [(7 * member + 3 * at) % 40 for at in range(1 + (2 * member) % 6)]
            left, right = 7 - len(prompt), 6 - len(written)
            ids.append([0] * left + prompt + written + [0] * right)
            mask.append([0] * left + [1] * (len(prompt) + len(written)) + [0] * right)
    return torch.tensor(ids), torch.tensor(mask), 6


def headed(name: str, attention: str = "eager") -> Any:
    kind, config = SHAPES[name]
    model = made(kind, **config)
    model.set_attn_implementation(attention)
    add_fused_lm_head(model, temperature=0.9, outputs=("log_probs", "entropy"))
    return model


def padded(model: Any, ids: Tensor, mask: Tensor, completion: int) -> tuple[Tensor, Tensor]:
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, :-completion] = -100
    out = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
    return out.log_probs[:, -completion:], out.entropy[:, -completion:]


def gradients(model: Any, found: Sequence[Any]) -> dict[str, Tensor]:
    model.zero_grad()
    logprobs, entropies = found
    weights = torch.linspace(-1, 1, logprobs.numel()).view(logprobs.shape)
    (logprobs * weights + 0.1 * entropies).sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("form", [shared_prompts, packed_row])
@pytest.mark.parametrize(
    "name", ["llama, tied", "llama, grouped", "qwen2", "qwen3", "llama, biases"]
)
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_it_is_what_padded_rows_give(
    form: Form, name: str, attention: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logprobs, "ROWS_AT_ONCE", 4)
    model, rows = headed(name, attention), rows_of()
    expected, found = padded(model, *rows), form(model, *rows)
    assert found is not None
    for ours, theirs in zip(found, expected, strict=True):
        assert theirs.std() > 0.1
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-5)
    ours, theirs = gradients(model, found), gradients(model, expected)
    assert ours.keys() == theirs.keys()
    for weight, gradient in theirs.items():
        scale = gradient.abs().max().item()
        torch.testing.assert_close(ours[weight], gradient, atol=1e-4 * scale + 1e-6, rtol=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.tuples(*[st.integers(0, 4)] * 3).filter(any), st.randoms(use_true_random=False))
def test_groups_of_any_size_in_any_order(members: tuple[int, ...], order: Any):
    model = headed("llama, grouped")
    ids, mask, completion = rows_of(members)
    at = list(range(len(ids)))
    order.shuffle(at)
    ids, mask = ids[at], mask[at]
    with torch.no_grad():
        found = shared_prompts(model, ids, mask, completion)
        assert (found is None) == (sum(members) < 2 * sum(count > 0 for count in members))
        if found is not None:
            for ours, theirs in zip(found, padded(model, ids, mask, completion), strict=True):
                torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-5)


def test_prompts_are_read_once(monkeypatch: pytest.MonkeyPatch):
    model, rows = headed("llama"), rows_of()
    read, embed = [], model.model.embed_tokens
    embed.register_forward_hook(lambda _, args, __: read.append(tuple(args[0].shape)))
    monkeypatch.setattr(logprobs, "ROWS_AT_ONCE", 5)
    shared_prompts(model, *rows)
    assert read == [(3, 6), (5, 4), (4, 6)]  # one token of the prompt, then up to 3 and 5 written
    read.clear()
    packed_row(model, *rows)
    assert read == [(1, int(rows[1].sum()))]


def test_prompts_of_one_token_are_left_to_padded_rows():
    ids = torch.tensor([[5, 6, 7], [5, 8, 0]])
    assert shared_prompts(headed("llama"), ids, (ids > 0).long(), 2) is None


def test_a_form_is_chosen_where_it_is_exact():
    model = headed("qwen2")
    assert choose_form(model, CPU) is shared_prompts
    assert choose_form(model, FLASH) is packed_row
    model.gradient_checkpointing_enable()
    assert choose_form(model, CPU) is None
    sliding = headed("qwen2")
    sliding.config.layer_types = ["full_attention", "sliding_attention"]
    assert choose_form(sliding, CPU) is None
