"""Muon that computes in the type of the weights on a CPU.

torch's own computes the Newton-Schulz iteration in bfloat16, which is right on a GPU. A processor
without products of that type emulates them: on one with AVX2 only, a step over the tiny model's
matrices took 14 times as long (`python benchmarks/optimizer.py`). Settings and state are those of
torch's, so that checkpoints fit both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Muon):
    """`torch.optim.Muon` with steps scaled to the root mean square of AdamW's
    (Liu et al. 2025, arXiv 2502.16982, section 2.2)."""

    def __init__(self, matrices: list[torch.nn.Parameter], rate: float, decay: float) -> None:
        super().__init__(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update of all matrices."""
        weights = [weight for group in self.param_groups for weight in group["params"]]
        if any(weight.device.type != "cpu" for weight in weights):
            return super().step(closure)
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._step(weight, weight.grad, group)
        return None

    def _step(self, weight: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(grad)
        momentum = state["momentum_buffer"].lerp_(grad, 1 - group["momentum"])
        direction = orthogonal(grad.lerp(momentum, group["momentum"]), group)
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(direction, alpha=-group["lr"] * 0.2 * max(weight.shape) ** 0.5)


def orthogonal(matrix: Tensor, group: dict[str, Any]) -> Tensor:
    """About the nearest orthogonal matrix: all singular values are between .5 and 1.5 or so."""
    if matrix.size(0) > matrix.size(1):
        return orthogonal(matrix.T, group).T
    a, b, c = group["ns_coefficients"]
    matrix = matrix / matrix.norm().clamp(min=group["eps"])
    for _ in range(group["ns_steps"]):
        gram = matrix @ matrix.T
        matrix = torch.addmm(matrix, torch.addmm(gram, gram, gram, beta=b, alpha=c), matrix, beta=a)
    return matrix
