"""Weighted cross-entropy: tokens learned as demonstrations, at weights that treatments set."""

from __future__ import annotations

from torch import Tensor


def weighted_cross_entropy(logprobs: Tensor, weight: Tensor, count: Tensor) -> Tensor:
    """Negative log-likelihood of tokens (B, T), weighted, over `count` tokens.

    `count` is the number of tokens with a weight in the whole update, so that micro-batches and
    processes add up to one mean, and a token counts the same beside few or many rollouts.
    """
    return -(logprobs * weight).sum() / count.clamp(min=1.0)
