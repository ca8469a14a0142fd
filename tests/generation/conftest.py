from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rlskills.models.kernels import Kernels
from rlskills.models.loaded import LoadedModel
from rlskills.models.loading import load

PROMPTS = [
    "F01(abc)?",
    "x",
    "a much longer prompt than the others, to have padding",
    "F02(F03(h))?",
]


@pytest.fixture(scope="module")
def loaded(small_model: Path) -> LoadedModel:
    loaded = load(str(small_model), Kernels("eager", "highest"))
    loaded.model.eval()
    # Untrained, it would go round in circles: larger weights give varied text and ends.
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for weight in loaded.model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
    return loaded


@pytest.fixture(scope="module")
def model(loaded: LoadedModel):
    return loaded.model


@pytest.fixture(scope="module")
def prompts(loaded: LoadedModel) -> list[list[int]]:
    return loaded.codec.tokenizer(PROMPTS)["input_ids"]  # pyright: ignore
