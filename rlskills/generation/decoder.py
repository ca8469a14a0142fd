"""The network of Llama, Qwen2 and Qwen3, laid out for decoding one token at a time.

`exactness.py` says which models it computes; a test holds its logits equal to the library's.
Against the library's forward it fuses projections, has less Python per token, and moves into the
weights what does not depend on the token: the weights of norms, and the order of a head's numbers,
of which the two that are rotated together lie side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from .caches import Cache, Slots

_Map: TypeAlias = Callable[[Tensor], Tensor]
_Attend: TypeAlias = Callable[[Cache, Tensor, Tensor, Tensor], Tensor]
"""Of a layer's cache, queries, keys and values (rows, new, heads, size)."""

SMALL = 128
"""Hidden size up to which weights stay plain: packed ones cost the tiny preset 1.2 to 1.6
times as much, and save one of 576 an eighth (`benchmarks/decoder.py --forms`, at `cc02d2b`)."""


@dataclass
class _Layer:
    qkv: _Map
    """Of what is normed, as `gate_up`: the weights of the norm are in it."""
    out: _Map
    gate_up: _Map
    down: _Map
    heads_norm: _Map | None
    """Of queries and keys, where a model has one."""


def packs(model: PreTrainedModel) -> bool:
    """Whether weights are packed."""
    packable = model.device.type == "cpu" and torch.backends.mkldnn.is_available()
    return packable and model.config.hidden_size > SMALL


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
        self.epsilon = inner.norm.variance_epsilon
        self.pack = rows if packs(model) else 0
        self.head = self._linear([model.lm_head], inner.norm)
        self.layers = [self._layer(layer) for layer in inner.layers]
        self.caches = [Cache(self.scale) for _ in self.layers]

    def _layer(self, layer: Any) -> _Layer:
        attention, mlp = layer.self_attn, layer.mlp
        projections = [attention.q_proj, attention.k_proj, attention.v_proj]
        normed = hasattr(attention, "q_norm")
        return _Layer(
            self._linear(projections, layer.input_layernorm, rotated=2),
            self._linear([attention.o_proj]),
            self._linear([mlp.gate_proj, mlp.up_proj], layer.post_attention_layernorm),
            self._linear([mlp.down_proj]),
            self._heads_norm(attention.q_norm, attention.k_norm) if normed else None,
        )

    def _heads_norm(self, queries: Any, keys: Any) -> _Map:
        scales = [self._paired(norm.weight) for norm in (queries, keys)]
        weight = torch.cat([scales[0].expand(self.heads, -1), scales[1].expand(self.key_heads, -1)])
        return lambda x: weight * _normed(x, queries.variance_epsilon)

    def _paired(self, x: Tensor) -> Tensor:
        """Rows in heads (n * D, ...), of which number i and number i + D / 2 lie side by side."""
        return x.unflatten(0, (-1, 2, self.size // 2)).transpose(1, 2).flatten(0, 2)

    def _linear(self, modules: Sequence[nn.Linear], norm: Any = None, rotated: int = 0) -> _Map:
        """Several linear maps of one input as one; the first `rotated` of them give heads.

        Weights in the blocked layout that oneDNN works on save it from packing them at every
        product, which for a few rows takes as long as the product itself.
        """
        order = [self._paired] * rotated + [lambda x: x] * (len(modules) - rotated)
        weight = torch.cat([put(m.weight) for put, m in zip(order, modules, strict=True)])
        bias = None
        if modules[0].bias is not None:
            bias = torch.cat([put(m.bias) for put, m in zip(order, modules, strict=True)])
        if norm is not None:
            weight = weight * norm.weight
        if self.pack:
            packed = torch.ops.mkldnn._reorder_linear_weight(weight, self.pack)
            product = torch.ops.mkldnn._linear_pointwise
            return lambda x: product(x, packed, bias, "none", [], "")
        turned = weight.t().contiguous()
        return (lambda x: x @ turned) if bias is None else (lambda x: x @ turned + bias)

    def read(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Logits (prompts, vocabulary) of the last of the prompts `ids` (prompts, length).

        They are padded on the left; `mask` is True for what is no padding.
        """
        length = ids.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=ids.device).tril()
        # A padded query sees itself, so that its softmax is defined; nothing looks at it.
        seen = (mask[:, None] & causal) | torch.eye(length, dtype=torch.bool, device=ids.device)
        bias = _blocked(seen)[:, None]
        self.bias = _blocked(mask)[:, None, None]
        return self._forward(ids, positions, lambda cache, q, k, v: cache.read(q, k, v, bias))

    def spread(self, members: int, capacity: int) -> None:
        """Go on with `members` rows of each prompt, each of `capacity` more tokens at most."""
        self.slots, self.written = Slots(len(self.bias), members), 0
        for cache in self.caches:
            cache.spread(members * len(self.bias), capacity)

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone; their order is kept."""
        self.slots, prompts = self.slots.keep(rows)
        self.bias = self.bias[prompts]
        for cache in self.caches:
            cache.keep(rows, prompts, self.written)

    def step(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Logits (rows, vocabulary) after one more token a row, `ids` and `positions` (rows, 1)."""
        logits = self._forward(
            ids,
            positions,
            lambda cache, q, k, v: cache.step(q, k, v, self.written, self.slots, self.bias),
        )
        self.written += 1
        return logits

    def _forward(self, ids: Tensor, positions: Tensor, attend: _Attend) -> Tensor:
        x = self.embedding[ids]
        rows, new, _ = x.shape
        turned = self.heads + self.key_heads
        angle = positions[..., None, None] * self.frequencies
        turn = torch.polar(torch.ones_like(angle), angle)
        for layer, cache in zip(self.layers, self.caches, strict=True):
            qkv = layer.qkv(_normed(x, self.epsilon)).view(rows, new, -1, self.size)
            qk, v = qkv.split([turned, self.key_heads], dim=2)
            if layer.heads_norm is not None:
                qk = layer.heads_norm(qk)
            pairs = torch.view_as_complex(qk.unflatten(-1, (-1, 2)))
            q, k = (
                torch.view_as_real(pairs * turn)
                .flatten(3)
                .split([self.heads, self.key_heads], dim=2)
            )
            x = x + layer.out(attend(cache, q, k, v).reshape(rows, new, -1))
            gate, up = layer.gate_up(_normed(x, self.epsilon)).chunk(2, -1)
            x = x + layer.down(F.silu(gate) * up)
        return self.head(_normed(x[:, -1], self.epsilon))


def _normed(x: Tensor, epsilon: float) -> Tensor:
    """Root mean square 1, as `F.rms_norm`, which on a CPU takes twice as many operations."""
    size = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x * (size.square() * (1.0 / x.shape[-1]) + epsilon).rsqrt()


def _blocked(seen: Tensor) -> Tensor:
    """0 where attention may look, -inf where it may not."""
    return torch.zeros(seen.shape, device=seen.device).masked_fill_(~seen, float("-inf"))
