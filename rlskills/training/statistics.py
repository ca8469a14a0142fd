"""Means and deviations that leave out what could not be graded (NaN)."""

from __future__ import annotations

import torch
from torch import Tensor


def nanstd(values: Tensor) -> Tensor:
    """The sample standard deviation (Bessel's correction), NaN of fewer than two numbers."""
    present = ~torch.isnan(values)
    count = present.sum()
    variance = torch.nanmean((values - torch.nanmean(values)) ** 2)
    correction = torch.where(count > 1, count / (count - 1), torch.tensor(float("nan")))
    return torch.sqrt(variance * correction)
