"""Weights of demonstrations in TRL's supervised loss, by what treatments make of them.

That loss is a sum of log-probabilities over a count of tokens, so a weight is a factor of a
log-probability. The factor has no gradient of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..packing import IGNORE
from ..treatments import Treatment, acts


class Weighed:
    """A model with TRL's fused head whose log-probabilities come multiplied with their weights.

    It is called in the place of the model, so that what the loss divides by, what is shared by
    processes and what is logged stay TRL's own.
    """

    def __init__(self, model: Any, treatments: Sequence[Treatment]) -> None:
        self.model = model
        self.treatments = treatments

    def __call__(self, **inputs: Any) -> Any:
        """The model's output for rows of `pack`."""
        outputs = self.model(**inputs)
        weight = demonstration_weights(
            outputs.log_probs, inputs["labels"], inputs["position_ids"], self.treatments
        )
        outputs.log_probs = outputs.log_probs * weight
        return outputs


def weighing(treatments: Sequence[Treatment]) -> list[Treatment]:
    """Those that weigh demonstrations."""
    return [treatment for treatment in treatments if "demonstrated" in acts(type(treatment))]


@torch.no_grad()
def demonstration_weights(
    logprobs: Tensor, labels: Tensor, positions: Tensor, treatments: Sequence[Treatment]
) -> Tensor:
    """The weight of each log-probability (B, T - 1): the product of what all `treatments` say.

    `logprobs[:, t]` is that of the token at t + 1 of packed rows, whose `labels` (B, T) tell which
    are learned and whose `positions` (B, T) start from 0 in every demonstration.
    """
    learned = labels[:, 1:] != IGNORE
    # Demonstrations are numbered through all rows; a row has at most T of them.
    rows = torch.arange(len(positions), device=positions.device)[:, None] * positions.shape[1]
    owner = ((positions == 0).cumsum(1) + rows)[:, 1:]
    sizes = owner[learned].unique_consecutive(return_counts=True)[1].tolist()
    weight = torch.ones_like(logprobs)
    if not sizes:
        return weight
    known = logprobs[learned].float().cpu()
    found = torch.ones_like(known)
    for treatment in treatments:
        values = treatment.demonstrated(known.split(sizes))
        for part, value in zip(found.split(sizes), values, strict=True):
            part *= torch.as_tensor(value)
    weight[learned] = found.to(weight)
    return weight
