"""What the tests of engines share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rlskills.generation.engine import Completion
from rlskills.generation.hf import Transformers

ENDS = frozenset({1})
PAD = 0


def other(model: Any) -> Transformers:
    """The library's engine for a model of the tiny preset's vocabulary."""
    return Transformers(model, ENDS, PAD)


def ids_of(completions: Sequence[Completion]) -> list[list[int]]:
    """Their token ids."""
    return [completion.ids for completion in completions]
