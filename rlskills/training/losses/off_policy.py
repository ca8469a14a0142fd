"""Correction for tokens that another program than the trainer's own model drew.

It samples with other kernels and in another precision, so the policy that is trained is not quite
the one that was sampled. Advantages are multiplied with the ratio of both probabilities, bounded:
truncated importance sampling (Yao et al. 2025, https://fengyao.notion.site/off-policy-rl), or
masked, where what is out of bounds is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..batch import Rollout
from ..settings import Correction


def sampling_ratio(
    policy: Tensor,
    drawn: Tensor,
    known: Tensor,
    kind: Correction,
    least: float = 0.0,
    most: float = math.inf,
) -> Tensor:
    """exp(policy - drawn) of log-probabilities (B, T), within the bounds, and 1 where `known` is 0.

    Where `drawn` is no number (some engines cannot tell for some tokens) it counts as not known.
    Sequences have one ratio (B, 1), the product of those of their tokens.
    """
    difference = ((policy - drawn) * known).nan_to_num(nan=0.0)
    if kind.startswith("sequence"):
        difference = difference.sum(-1, keepdim=True)
    ratio = difference.exp()
    if kind.endswith("truncate"):
        return ratio.clamp(least, most)
    return ratio.masked_fill((ratio < least) | (ratio > most), 0.0)


def drawn_logprobs(rows: Sequence[Rollout], shape: torch.Size) -> tuple[Tensor, Tensor]:
    """Log-probabilities with which tokens were drawn, and 1 where they are known (both `shape`)."""
    drawn, known = torch.zeros(shape), torch.zeros(shape)
    for i, row in enumerate(rows):
        if row.logprobs is not None:
            drawn[i, : len(row.logprobs)] = torch.tensor(row.logprobs)
            known[i, : len(row.logprobs)] = torch.tensor(row.mask, dtype=torch.float32)
    return drawn, known
