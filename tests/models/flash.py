"""A stand-in for the package flash-attn, so that every flash branch runs on a CPU.

It has the functions that transformers imports, with their signatures, refuses anything but half
precision with flash-attn's own message, computes with PyTorch's attention, and counts its calls.
"""

from __future__ import annotations

import sys
from collections import Counter
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

CALLS: Counter[str] = Counter()
BOUNDARIES: list[list[int]] = []
"""Where the sequences of each call with packed rows begin and end."""


def _attend(q: Tensor, k: Tensor, v: Tensor, scale: float | None, causal: bool) -> Tensor:
    """Of queries (rows, new, heads, size) and keys and values (rows, length, kv heads, size)."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    mask = None
    if causal:
        new, length = q.shape[2], k.shape[2]
        mask = torch.ones(new, length, dtype=torch.bool, device=q.device).tril(length - new)
    found = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale, enable_gqa=True)
    return found.transpose(1, 2)


def _check(*tensors: Tensor) -> None:
    if any(x.dtype not in (torch.float16, torch.bfloat16) for x in tensors):
        raise RuntimeError("FlashAttention only support fp16 and bf16 data type")


def flash_attn_func(
    q: Tensor, k: Tensor, v: Tensor, dropout_p: float = 0.0, softmax_scale: float | None = None,
    causal: bool = False, window_size: tuple[int, int] = (-1, -1), softcap: float = 0.0,
    alibi_slopes: Any = None, deterministic: bool = False, return_attn_probs: bool = False,
) -> Tensor:  # fmt: skip
    _check(q, k, v)
    CALLS["dense"] += 1
    return _attend(q, k, v, softmax_scale, causal)


def flash_attn_varlen_func(
    q: Tensor, k: Tensor, v: Tensor, cu_seqlens_q: Tensor, cu_seqlens_k: Tensor,
    max_seqlen_q: int, max_seqlen_k: int, dropout_p: float = 0.0,
    softmax_scale: float | None = None, causal: bool = False,
    window_size: tuple[int, int] = (-1, -1), softcap: float = 0.0, alibi_slopes: Any = None,
    deterministic: bool = False, return_attn_probs: bool = False, block_table: Any = None,
) -> Tensor:  # fmt: skip
    _check(q, k, v)
    CALLS["varlen"] += 1
    queries, keys = cu_seqlens_q.tolist(), cu_seqlens_k.tolist()
    BOUNDARIES.append(queries)
    parts = [
        _attend(q[None, a:b], k[None, c:d], v[None, c:d], softmax_scale, causal)[0]
        for a, b, c, d in zip(queries, queries[1:], keys, keys[1:], strict=False)
    ]
    return torch.cat(parts)


def flash_attn_with_kvcache(*_: Any, **__: Any) -> Tensor:
    raise NotImplementedError("nothing here asks for it")


def install(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Have transformers find it as it would find the package; returns the counts of its calls."""
    import transformers.modeling_flash_attention_utils as utils

    module, padding = ModuleType("flash_attn"), ModuleType("flash_attn.bert_padding")
    for function in (flash_attn_func, flash_attn_varlen_func, flash_attn_with_kvcache):
        setattr(module, function.__name__, function)
    padding.pad_input = utils._pad_input  # pyright: ignore[reportAttributeAccessIssue]
    padding.unpad_input = utils._unpad_input  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "flash_attn", module)
    monkeypatch.setitem(sys.modules, "flash_attn.bert_padding", padding)

    def yes(*_: Any, **__: Any) -> bool:
        return True

    monkeypatch.setattr(utils, "is_flash_attn_2_available", yes)
    row = utils.FLASH_ATTENTION_COMPATIBILITY_MATRIX[2]
    monkeypatch.setitem(row, "general_availability_check", yes)
    monkeypatch.setitem(row, "pkg_availability_check", yes)
    monkeypatch.setitem(row, "supported_devices", ((yes, "cpu"),))
    CALLS.clear()
    BOUNDARIES.clear()
    return CALLS
