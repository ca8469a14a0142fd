"""Choosing, cutting and joining rows of TRL's generation batches.

A batch is a dict of tensors whose first dimension is the row: prompts padded on the left,
completions and everything by token on the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Round:
    """One generation batch, wanted rows first."""

    batch: dict[str, Tensor]
    wanted: int


def select(output: dict[str, Any], keep: Tensor) -> Round:
    """Order a batch so that the rows of the mask `keep` come first; the others' advantages are 0.

    Unwanted rows stay behind the wanted ones: `merge` needs some when too few are wanted.
    """
    rows = len(keep)
    order = torch.argsort((~keep).int(), stable=True)
    batch = {
        name: value[order]
        for name, value in output.items()
        if isinstance(value, Tensor) and value.dim() > 0 and len(value) == rows
    }
    batch["advantages"] = batch["advantages"] * keep[order]
    return Round(batch, int(keep.sum()))


def merge(rounds: list[Round], pad: int, rows: int, multiple: int) -> dict[str, Any]:
    """The first `rows` rows of all rounds as one batch, wanted ones first.

    The number of rows is rounded up to a multiple of `multiple` and is not 0. Where fewer are
    wanted, unwanted ones, whose advantage is 0, fill up.
    """
    total = max(multiple, -(-rows // multiple) * multiple)
    taken = []
    for index, one in enumerate(rounds):
        last = index + 1 == len(rounds)
        have = sum(len(batch["advantages"]) for batch in taken)
        count = total - have if last else min(one.wanted, total - have)
        taken.append({name: value[:count] for name, value in one.batch.items()})
    return _trim(_concatenate(taken, pad))


def _concatenate(batches: list[dict[str, Tensor]], pad: int) -> dict[str, Any]:
    if len(batches) == 1:
        return dict(batches[0])
    joined = {}
    for name in batches[0]:
        parts = [batch[name] for batch in batches]
        if parts[0].dim() > 1:
            width = max(part.shape[1] for part in parts)
            left = name.startswith("prompt")
            fill = pad if name.endswith("_ids") else 0
            parts = [
                F.pad(p, (width - p.shape[1], 0) if left else (0, width - p.shape[1]), value=fill)
                for p in parts
            ]
        joined[name] = torch.cat(parts)
    return joined


def _trim(batch: dict[str, Any]) -> dict[str, Any]:
    """Drop columns that are padding in every row."""
    prompt = int(batch["prompt_mask"].sum(1).max())
    completion = max(1, int(batch["completion_mask"].sum(1).max()))
    width = batch["completion_mask"].shape[1]
    for name, value in batch.items():
        if name in ("prompt_ids", "prompt_mask"):
            batch[name] = value[:, value.shape[1] - prompt :]
        elif value.dim() > 1 and value.shape[1] == width:
            batch[name] = value[:, :completion]
    return batch
