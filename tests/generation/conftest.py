from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rlskills.models.kernels import Kernels
from rlskills.models.loading import load_model, load_tokenizer

PROMPTS = [
    "F01(abc)?",
    "x",
    "a much longer prompt than the others, to have padding",
    "F02(F03(h))?",
]


@pytest.fixture(scope="module")
def model(small_model: Path):
    loaded = load_model(str(small_model), Kernels("eager", "highest")).eval()
    # Untrained, it would go round in circles: larger weights give varied text and ends.
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for weight in loaded.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
    return loaded


@pytest.fixture(scope="module")
def prompts(small_model: Path) -> list[list[int]]:
    return load_tokenizer(str(small_model))(PROMPTS)["input_ids"]  # pyright: ignore
