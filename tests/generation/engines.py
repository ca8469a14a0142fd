"""What the tests of engines share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rlskills.generation.engine import Completion
from rlskills.generation.hf import Transformers
from rlskills.models.codec import Codec
from rlskills.models.kernels import Kernels
from rlskills.models.loaded import LoadedModel
from rlskills.models.tiny import tiny_tokenizer

ENDS = frozenset({1})
PAD = 0


KERNELS = Kernels("eager", "highest", "float32", 2**20)


def loaded_of(model: Any, ends: frozenset[int] = ENDS) -> LoadedModel:
    """A model of the tiny preset's vocabulary with its tokenizer."""
    return LoadedModel(model, Codec(tiny_tokenizer(), ends, PAD), KERNELS)


def other(model: Any, ends: frozenset[int] = ENDS) -> Transformers:
    """The library's engine for a model of the tiny preset's vocabulary."""
    return Transformers(loaded_of(model, ends))


def ids_of(completions: Sequence[Completion]) -> list[list[int]]:
    """Their token ids."""
    return [completion.ids for completion in completions]
