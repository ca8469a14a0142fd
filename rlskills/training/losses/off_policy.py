"""Correction for tokens that another program than the trainer's own model drew."""

from __future__ import annotations

from torch import Tensor


def truncated_ratio(policy: Tensor, drawn: Tensor, known: Tensor, cap: float) -> Tensor:
    """min(exp(policy - drawn), cap) of log-probabilities (B, T), and 1 where `known` is 0.

    Where `drawn` is no number (some engines cannot tell for some tokens) it is 1 too.
    """
    difference = ((policy - drawn) * known).nan_to_num(nan=0.0)
    return difference.exp().clamp(max=cap)
