"""Keys and values of one layer while a batch is decoded, and attention over them.

Two layouts of the same numbers: which is faster depends on the model's size, and
`benchmarks/decoder.py` times both. Keys and values are kept per key-value head, never repeated for
the query heads that share it.

Letters: R rows, N new positions, H query heads, K key-value heads, D size of a head, G = H / K.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override


class Cache(ABC):
    """Keys and values of one layer, with room for `capacity` positions of each row."""

    keys: Tensor
    values: Tensor

    def __init__(self, capacity: int, scale: float) -> None:
        self.capacity = capacity
        self.scale = scale

    def read(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """Attention (R, N, H, D) within the prompts; their keys and values are kept.

        `q` is (R, N, H, D), `k` and `v` are (R, N, K, D); `bias` (R, 1, N, N) is 0 where attention
        may look and -inf where it may not.
        """
        self._fill(k, v)
        grouped = q.shape[2] != k.shape[2]
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        mixed = F.scaled_dot_product_attention(
            q, k, v, attn_mask=bias, scale=self.scale, enable_gqa=grouped
        )
        return mixed.transpose(1, 2)

    @abstractmethod
    def step(self, q: Tensor, k: Tensor, v: Tensor, at: int, bias: Tensor) -> Tensor:
        """Attention (R, 1, H, D) of one more position a row, number `at`, which is kept.

        `q` is (R, 1, H, D), `k` and `v` are (R, 1, K, D); `bias` is what the class's `bias` made.
        """

    @abstractmethod
    def keep(self, rows: Tensor, filled: int) -> None:
        """Keep (or repeat) these rows, of which `filled` positions are in use."""

    @staticmethod
    @abstractmethod
    def bias(blocked: Tensor, key_heads: int) -> Tensor:
        """What `step` adds to its scores, of `blocked` (R, positions): 0 or -inf."""

    @abstractmethod
    def _fill(self, k: Tensor, v: Tensor) -> None: ...


class ByPosition(Cache):
    """Positions first, (capacity, R, K, D), and one head of keys for each of queries.

    For one query a row of a very small model, products and sums over what lies in one piece of
    memory; the order of its sums is what recorded runs of the tiny preset are compared with.
    """

    @override
    def _fill(self, k: Tensor, v: Tensor) -> None:
        rows, new, heads, size = k.shape
        self.keys, self.values = (x.new_empty(self.capacity, rows, heads, size) for x in (k, v))
        self.keys[:new] = k.transpose(0, 1)
        self.values[:new] = v.transpose(0, 1)

    @override
    def step(self, q: Tensor, k: Tensor, v: Tensor, at: int, bias: Tensor) -> Tensor:
        end = at + 1
        self.keys[at], self.values[at] = k[:, 0], v[:, 0]
        weights = ((self.keys[:end] * q[:, 0]).sum(-1) * self.scale + bias).softmax(0)
        return (self.values[:end] * weights[..., None]).sum(0)[:, None]

    @override
    def keep(self, rows: Tensor, filled: int) -> None:
        def kept(cache: Tensor) -> Tensor:
            new = cache.new_empty(self.capacity, len(rows), *cache.shape[2:])
            torch.index_select(cache[:filled], 1, rows, out=new[:filled])
            return new

        self.keys, self.values = kept(self.keys), kept(self.values)

    @staticmethod
    @override
    def bias(blocked: Tensor, key_heads: int) -> Tensor:
        return blocked.t()[..., None]


class ByRow(Cache):
    """Rows and heads first, (R * K, capacity, D): one matrix product for each head of keys.

    The G queries that share a head of keys are the rows of one matrix.
    """

    @override
    def _fill(self, k: Tensor, v: Tensor) -> None:
        rows, new, heads, size = k.shape
        self.heads = heads
        shape = rows, heads, self.capacity, size
        self.keys, self.values = (x.new_empty(shape).flatten(0, 1) for x in (k, v))
        self.keys.view(shape)[:, :, :new] = k.transpose(1, 2)
        self.values.view(shape)[:, :, :new] = v.transpose(1, 2)

    @override
    def step(self, q: Tensor, k: Tensor, v: Tensor, at: int, bias: Tensor) -> Tensor:
        rows, _, heads, size = q.shape
        end = at + 1
        self.keys[:, at], self.values[:, at] = (x.reshape(-1, size) for x in (k, v))
        grouped = q.reshape(len(self.keys), -1, size)
        scores = torch.baddbmm(bias, grouped, self.keys[:, :end].transpose(1, 2), alpha=self.scale)
        mixed = torch.bmm(scores.softmax(-1), self.values[:, :end])
        return mixed.view(rows, 1, heads, size)

    @override
    def keep(self, rows: Tensor, filled: int) -> None:
        def kept(cache: Tensor) -> Tensor:
            _, capacity, size = cache.shape
            new = cache.new_empty(len(rows), self.heads, capacity, size)
            old = cache.view(-1, self.heads, capacity, size)
            new[:, :, :filled] = old[:, :, :filled].index_select(0, rows)
            return new.flatten(0, 1)

        self.keys, self.values = kept(self.keys), kept(self.values)

    @staticmethod
    @override
    def bias(blocked: Tensor, key_heads: int) -> Tensor:
        return blocked.repeat_interleave(key_heads, 0)[:, None]
