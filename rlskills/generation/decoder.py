"""The network of Llama, Qwen2 and Qwen3, laid out for decoding one token at a time.

`exactness.py` says which models it computes; a test holds its logits equal to the library's.
Against the library's forward it fuses projections, keeps keys and values in one preallocated
buffer and has less Python per token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from .caches import ByPosition, ByRow, Cache

_Linear: TypeAlias = Callable[[Tensor], Tensor]
_Norm: TypeAlias = Callable[[Tensor], Tensor]
_Attend: TypeAlias = Callable[[Cache, Tensor, Tensor, Tensor], Tensor]
"""Of a layer's cache, queries, keys and values (rows, new, heads, size)."""

SMALL = 128
"""Hidden size up to which weights stay plain and, without groups, caches lie by position. Packed
weights cost the tiny preset a fifth, and one of 576 saves a tenth; the caches' layouts are within
5 % of each other at 96 to 128 (`benchmarks/decoder.py --forms`)."""


@dataclass
class _Layer:
    qkv: _Linear
    out: _Linear
    gate_up: _Linear
    down: _Linear
    norm1: _Norm
    norm2: _Norm
    heads_norm: _Norm | None
    """Of queries and keys, where a model has one."""


def choose(model: PreTrainedModel) -> tuple[type[Cache], bool]:
    """The layout of the caches, and whether weights are packed."""
    config = model.config
    small = config.hidden_size <= SMALL
    grouped = config.num_attention_heads != config.num_key_value_heads
    packable = model.device.type == "cpu" and torch.backends.mkldnn.is_available()
    return ByPosition if small and not grouped else ByRow, packable and not small


class Decoder:
    """Weights of one model, and the caches of one batch of `rows` sequences in the end."""

    def __init__(self, model: PreTrainedModel, rows: int) -> None:
        inner, config = model.model, model.config
        first = inner.layers[0].self_attn
        self.heads = config.num_attention_heads
        self.key_heads = config.num_key_value_heads
        self.size, self.scale = first.head_dim, first.scaling
        self.embedding = inner.embed_tokens.weight
        self.frequencies = inner.rotary_emb.inv_freq
        self.layout, packed = choose(model)
        pack = rows if packed else 0
        self.norm = _norm(inner.norm)
        self.head = _linear([model.lm_head], pack)
        self.layers = [self._layer(layer, pack) for layer in inner.layers]
        self.caches: list[Cache] = []

    def _layer(self, layer: Any, pack: int) -> _Layer:
        attention, mlp = layer.self_attn, layer.mlp
        normed = hasattr(attention, "q_norm")
        return _Layer(
            _linear([attention.q_proj, attention.k_proj, attention.v_proj], pack),
            _linear([attention.o_proj], pack),
            _linear([mlp.gate_proj, mlp.up_proj], pack),
            _linear([mlp.down_proj], pack),
            _norm(layer.input_layernorm),
            _norm(layer.post_attention_layernorm),
            self._heads_norm(attention.q_norm, attention.k_norm) if normed else None,
        )

    def _heads_norm(self, queries: Any, keys: Any) -> _Norm:
        weight = torch.cat(
            [queries.weight.expand(self.heads, -1), keys.weight.expand(self.key_heads, -1)]
        )
        return lambda x: weight * F.rms_norm(x, (self.size,), None, queries.variance_epsilon)

    def reindex(self, rows: Tensor, filled: int) -> None:
        """Keep (or repeat) these rows of the caches, of which `filled` positions are in use."""
        for cache in self.caches:
            cache.keep(rows, filled)

    def read(self, ids: Tensor, positions: Tensor, bias: Tensor, capacity: int) -> Tensor:
        """Logits (rows, vocabulary) of the last of the prompts `ids` (rows, length).

        `bias` (rows, 1, length, length) is 0 where attention may look and -inf where it may not.
        Caches are made with room for `capacity` positions of each row.
        """
        self.caches = [self.layout(capacity, self.scale) for _ in self.layers]
        return self._forward(ids, positions, lambda cache, q, k, v: cache.read(q, k, v, bias))

    def step(self, ids: Tensor, positions: Tensor, at: int, blocked: Tensor) -> Tensor:
        """Logits (rows, vocabulary) after one more token a row, `ids` (rows, 1), at column `at`.

        `blocked` (rows, at + 1) is 0 where attention may look and -inf where it may not.
        """
        bias = self.layout.bias(blocked, self.key_heads)
        return self._forward(ids, positions, lambda cache, q, k, v: cache.step(q, k, v, at, bias))

    def _forward(self, ids: Tensor, positions: Tensor, attend: _Attend) -> Tensor:
        x = self.embedding[ids]
        rows, new, _ = x.shape
        turned = self.heads + self.key_heads
        angle = positions[..., None] * self.frequencies
        angle = torch.cat([angle, angle], -1)[:, :, None]
        cos, sin = angle.cos(), angle.sin()
        for layer, cache in zip(self.layers, self.caches, strict=True):
            qkv = layer.qkv(layer.norm1(x)).view(rows, new, turned + self.key_heads, self.size)
            qk, v = qkv.split([turned, self.key_heads], dim=2)
            if layer.heads_norm is not None:
                qk = layer.heads_norm(qk)
            q, k = _rotate(qk, cos, sin).split([self.heads, self.key_heads], dim=2)
            x = x + layer.out(attend(cache, q, k, v).reshape(rows, new, -1))
            gate, up = layer.gate_up(layer.norm2(x)).chunk(2, -1)
            x = x + layer.down(F.silu(gate) * up)
        return self.head(self.norm(x[:, -1]))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


def _norm(module: Any) -> _Norm:
    weight, epsilon = module.weight, module.variance_epsilon
    return lambda x: F.rms_norm(x, weight.shape, weight, epsilon)


def _linear(modules: Sequence[nn.Linear], pack: int) -> _Linear:
    """Several linear maps of one input as one; for `pack` rows if that is not 0.

    Weights in the blocked layout that oneDNN works on save it from packing them at every product,
    which for a few rows takes as long as the product itself.
    """
    biases = list[Tensor](module.bias for module in modules if module.bias is not None)
    bias = torch.cat(biases) if biases else None
    weights = list[Tensor](module.weight for module in modules)
    weight = torch.cat(weights) if len(weights) > 1 else weights[0]
    if pack:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, pack)
        product = torch.ops.mkldnn._linear_pointwise
        return lambda x: product(x, packed, bias, "none", [], "")
    return lambda x: F.linear(x, weight, bias)
