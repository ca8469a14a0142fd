"""Where in the tokens of a completion a span of its text lies."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from ..environments import StepScore
from ..models.codec import Codec
from .batch import StepSpan


class _Lengths(Sequence[int]):
    """Characters that the first i tokens decode to, worked out where they are asked for."""

    def __init__(self, ids: Sequence[int], codec: Codec) -> None:
        self.ids = list(ids)
        self.codec = codec
        self.known: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.ids) + 1

    def __getitem__(self, index: int) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        if index not in self.known:
            (text,) = self.codec.decode([self.ids[:index]])
            # Half of a character decodes to a replacement character, which is none yet.
            self.known[index] = len(text.rstrip("\N{REPLACEMENT CHARACTER}"))
        return self.known[index]


def step_spans(
    ids: Sequence[int], steps: Sequence[StepScore], codec: Codec
) -> tuple[tuple[StepSpan, ...], tuple[int, ...]]:
    """Tokens that hold any character of each step, and the token with which its value begins (the
    step's first, where that is not known); about log2(T) decodings for each end."""
    lengths = _Lengths(ids, codec)
    found, values = [], []
    for step in steps:
        first = max(0, bisect_right(lengths, step.start) - 1)
        last = min(len(ids), bisect_left(lengths, step.end))
        found.append((first, last, step.correct))
        value = step.start if step.value is None else step.value
        token = bisect_right(lengths, value, first, last + 1) - 1
        values.append(min(max(first, token), last))
    return tuple(found), tuple(values)
