"""The attention kernel `torch_varlen`: PyTorch's own for sequences of unequal length in one row.

It needs no package. Like flash attention, which it is inside, it takes a row in which sequences
stand one behind the other, and where each begins (`cu_seq_lens_q`, ...), and then computes nothing
for padding and no mask. Rows that come without boundaries, as when sampling, go through SDPA. Where
PyTorch's kernel does not compute (on a CPU, in float32) each sequence goes through SDPA by itself:
the same numbers, for tests.

On a GPU this kernel has not been run.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "torch_varlen"


@cache
def register() -> None:
    """Have transformers know the kernel by its name."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, mask)


def is_there() -> bool:
    """Whether this PyTorch has the kernel (2.10 and later)."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    return callable(varlen_attn)


def mask(
    batch_size: int,
    q_length: int,
    attention_mask: Tensor | None = None,
    allow_is_causal_skip: bool = True,
    device: torch.device | str = "cpu",
    **others: Any,
) -> Tensor | None:
    """As for SDPA, but for a row of several sequences only a mark that it is one: a mask of it
    would have tokens x tokens values, and its boundaries say the same."""
    if batch_size == 1 and q_length > 1 and attention_mask is None and not allow_is_causal_skip:
        return torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=device)
    return sdpa_mask(
        batch_size=batch_size, q_length=q_length, attention_mask=attention_mask,
        allow_is_causal_skip=allow_is_causal_skip, device=device, **others,
    )  # fmt: skip


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Causal attention as transformers asks for it.

    `query` is (1, heads, tokens, size), `key` and `value` have the heads of keys; `cu_seq_lens_q`
    (sequences + 1) is where sequences begin. Returns (1, tokens, heads, size).

    Raises:
        ValueError: for a row of several sequences without their boundaries; for dropout in one.
    """
    if cu_seq_lens_q is None or max_length_q is None:
        if attention_mask is not None and attention_mask.shape[-1] != key.shape[2]:
            raise ValueError(f"{NAME}: a row of several sequences needs their boundaries")
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    if dropout:
        raise ValueError(f"{NAME} knows no dropout")
    q, k, v = (_half(x[0].transpose(0, 1)) for x in (query, key, value))
    window = (-1 if sliding_window is None else sliding_window - 1, 0)
    if q.is_cuda and q.dtype in (torch.bfloat16, torch.float16):
        from torch.nn.attention.varlen import varlen_attn

        mixed: Any = varlen_attn(
            q, k, v, cu_seq_lens_q, cu_seq_lens_q, max_length_q, max_length_q, scale=scaling,
            window_size=window, enable_gqa=q.shape[1] != k.shape[1],
        )  # fmt: skip
        return mixed[None], None
    bounds = cu_seq_lens_q.tolist()
    parts = [
        _one(q[begin:end], k[begin:end], v[begin:end], scaling, window[0])
        for begin, end in pairwise(bounds)
    ]
    return torch.cat(parts)[None], None


def _half(x: Tensor) -> Tensor:
    """In the type of autocast: rotary embeddings may have left it in float32."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def _one(q: Tensor, k: Tensor, v: Tensor, scaling: float | None, before: int) -> Tensor:
    """Of one sequence (tokens, heads, size), each of which sees `before` others (-1: all)."""
    seen = torch.ones(len(q), len(q), dtype=torch.bool, device=q.device).tril()
    if before >= 0:
        seen = seen.triu(-before)
    q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))
    mixed = F.scaled_dot_product_attention(
        q, k, v, attn_mask=seen, scale=scaling, enable_gqa=q.shape[1] != k.shape[1]
    )
    return mixed[0].transpose(0, 1)
