"""Keys and values of one layer while a batch is decoded, and attention over them.

Those of a prompt are kept once for all completions of it, and the queries of the group are the rows
of one matrix; each row has its own for what it has written since. Keys and values are kept per
key-value head, never repeated for the query heads that share it.

Letters: R rows, P prompts, M rows of a prompt at most, H query heads, K key-value heads, G = H / K,
D size of a head, L positions of the longest prompt, T positions written since.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass
class Slots:
    """Rows in P x M slots, those of a prompt next to each other; slots may be empty."""

    prompts: int
    members: int
    index: Tensor | None = None
    """The slot of each row (R); None: row i is in slot i, and none is empty."""

    def fill(self, x: Tensor) -> Tensor:
        """Of rows (R, K, G, ...) one matrix for each prompt and head (P, K, M * G, ...)."""
        if self.index is not None:
            empty = x.new_zeros(self.prompts * self.members, *x.shape[1:])
            x = empty.index_copy_(0, self.index, x)
        by_prompt = x.unflatten(0, (self.prompts, self.members))
        return by_prompt.transpose(1, 2).flatten(2, 3)

    def empty(self, x: Tensor) -> Tensor:
        """Rows (R, K, G, ...) out of the matrices (P, K, M * G, ...)."""
        rows = x.unflatten(2, (self.members, -1)).transpose(1, 2).flatten(0, 1)
        return rows if self.index is None else rows.index_select(0, self.index)

    def keep(self, rows: Tensor) -> tuple[Slots, Tensor]:
        """Slots of these rows alone, in order, and the prompts (P') that are left."""
        slot = rows if self.index is None else self.index[rows]
        left, prompt, counts = (slot // self.members).unique(
            return_inverse=True, return_counts=True
        )
        place = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[prompt]
        slots = Slots(len(left), int(counts.max()))
        if len(rows) < slots.prompts * slots.members:
            slots.index = prompt * slots.members + place
        return slots, left


class Cache:
    """Keys and values of one layer. `read` comes first, then `spread`, then `step`s."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def read(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """Attention (P, L, H, D) within the prompts; their keys and values are kept.

        `q` is (P, L, H, D), `k` and `v` are (P, L, K, D); `bias` (P, 1, L, L) is 0 where attention
        may look and -inf where it may not.
        """
        grouped = q.shape[2] != k.shape[2]
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        self.prompt_keys = k.transpose(2, 3).contiguous()  # (P, K, D, L)
        self.prompt_values = v.contiguous()  # (P, K, L, D)
        mixed = F.scaled_dot_product_attention(
            q, k, v, attn_mask=bias, scale=self.scale, enable_gqa=grouped
        )
        return mixed.transpose(1, 2)

    def spread(self, rows: int, capacity: int) -> None:
        """Make room for `capacity` more positions of each of `rows` rows."""
        _, heads, _, size = self.prompt_values.shape
        shape = capacity, rows, heads, size
        self.keys, self.values = (self.prompt_values.new_empty(shape) for _ in range(2))

    def step(self, q: Tensor, k: Tensor, v: Tensor, at: int, slots: Slots, bias: Tensor) -> Tensor:
        """Attention (R, 1, H, D) of one more position a row, which is kept as number `at`.

        `q` is (R, 1, H, D), `k` and `v` are (R, 1, K, D); `bias` (P, 1, 1, L) is 0 where attention
        may look at the prompt and -inf where it may not.
        """
        self.keys[at], self.values[at] = k[:, 0], v[:, 0]
        keys, values = self.keys[: at + 1], self.values[: at + 1]
        grouped = (q[:, 0] * self.scale).unflatten(1, (k.shape[2], -1))  # (R, K, G, D)
        read = slots.empty(slots.fill(grouped) @ self.prompt_keys + bias)
        weights = torch.cat([read, _scores(grouped, keys)], -1).softmax(-1)  # (R, K, G, L + T)
        read, own = weights.tensor_split([bias.shape[-1]], -1)
        mixed = slots.empty(slots.fill(read) @ self.prompt_values) + _mixed(own, values)
        return mixed.reshape(q.shape)

    def keep(self, rows: Tensor, prompts: Tensor, filled: int) -> None:
        """Keep these rows, which have written `filled` positions, and their `prompts`."""
        if len(prompts) < len(self.prompt_keys):
            self.prompt_keys = self.prompt_keys.index_select(0, prompts)
            self.prompt_values = self.prompt_values.index_select(0, prompts)

        def kept(cache: Tensor) -> Tensor:
            new = cache.new_empty(cache.shape[0], len(rows), *cache.shape[2:])
            torch.index_select(cache[:filled], 1, rows, out=new[:filled])
            return new

        self.keys, self.values = kept(self.keys), kept(self.values)


def _scores(q: Tensor, keys: Tensor) -> Tensor:
    """(R, K, G, T) of `q` (R, K, G, D) with `keys` (T, R, K, D)."""
    if q.shape[2] == 1:  # a product and a sum are quicker than matrices of one row
        return (keys * q[:, :, 0]).sum(-1).movedim(0, -1)[:, :, None]
    return q @ keys.permute(1, 2, 3, 0)


def _mixed(weights: Tensor, values: Tensor) -> Tensor:
    """(R, K, G, D) of `weights` (R, K, G, T) over `values` (T, R, K, D)."""
    if weights.shape[2] == 1:
        return (values * weights[:, :, 0].movedim(-1, 0)[..., None]).sum(0)[:, :, None]
    return weights @ values.permute(1, 2, 0, 3)
