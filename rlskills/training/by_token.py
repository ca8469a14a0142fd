"""Numbers for each token of a rollout, kept as one number for as long as it is the same for all.

Most treatments give every token of a completion the same advantage and weight, and a round has
hundreds of rollouts: three small tensors for each of them take time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, overload

import torch
from torch import Tensor


class HasTokens(Protocol):
    """What such an attribute may belong to."""

    ids: list[int]


Value: TypeAlias = float | Sequence[float] | Tensor


class ByToken:
    """An attribute of what has `ids` (T): read as a tensor (T), set to one number or to T."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = f"_{name}"

    @overload
    def __get__(self, row: None, owner: type) -> ByToken: ...
    @overload
    def __get__(self, row: HasTokens, owner: type) -> Tensor: ...
    def __get__(self, row: HasTokens | None, owner: type) -> Any:
        if row is None:
            return self
        value = vars(row)[self.key]
        if isinstance(value, float):
            # Kept, since whoever has it may change it in place.
            value = vars(row)[self.key] = torch.full((len(row.ids),), value)
        return value

    def __set__(self, row: HasTokens, value: Value) -> None:
        if isinstance(value, int | float):
            vars(row)[self.key] = float(value)
            return
        found = torch.as_tensor(value, dtype=torch.float32)
        if found.dim() == 0:
            vars(row)[self.key] = float(found)
        elif found.shape == (len(row.ids),):
            vars(row)[self.key] = found.clone()
        else:
            raise ValueError(f"{tuple(found.shape)} values for {len(row.ids)} tokens")

    def stored(self, row: HasTokens) -> float | Tensor:
        """One number, or T."""
        return vars(row)[self.key]

    def any(self, row: HasTokens) -> bool:
        """Whether any of them is not 0."""
        value = self.stored(row)
        return bool(value.any()) if isinstance(value, Tensor) else bool(row.ids and value)

    def mean(self, row: HasTokens) -> float:
        """Their mean, 0 of none."""
        value = self.stored(row)
        if isinstance(value, Tensor):
            return value.mean().item() if row.ids else 0.0
        return value if row.ids else 0.0

    def padded(self, rows: Sequence[HasTokens], inside: Tensor) -> Tensor:
        """Those of all rows (B, T), 0 where `inside` (B, T) is 0: behind the end of a row."""
        stored = [self.stored(row) for row in rows]
        same = torch.tensor([0.0 if isinstance(value, Tensor) else value for value in stored])
        found = same[:, None] * inside
        for number, value in enumerate(stored):
            if isinstance(value, Tensor):
                found[number, : len(value)] = value
        return found
