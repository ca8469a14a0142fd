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
) -> tuple[StepSpan, ...]:
    """Tokens that hold any character of each step; about log2(T) decodings for each of its ends."""
    lengths = _Lengths(ids, codec)
    found = []
    for step in steps:
        first = bisect_right(lengths, step.start) - 1
        last = bisect_left(lengths, step.end)
        found.append((max(0, first), min(len(ids), last), step.correct))
    return tuple(found)
