"""Sixty-four opaque functions on short strings of eight letters, for the tiny model.

Most copy their input and change a little, so that a small decoder learns all of them in minutes;
none grows a string by more than one letter, so a problem of any depth stays short; no two agree on
all strings. `F00` to `F63` are in an order that says nothing about what they do.
"""

from __future__ import annotations

import random
from collections.abc import Callable

ALPHABET = "abcdefgh"
StringFunction = Callable[[str], str]

REARRANGE: dict[str, StringFunction] = {
    "reverse": lambda s: s[::-1],
    "rotate left": lambda s: s[1:] + s[:1],
    "rotate left twice": lambda s: s[2:] + s[:2],
    "rotate right": lambda s: s[-1:] + s[:-1],
    "swap first two": lambda s: s[1::-1] + s[2:],
    "swap last two": lambda s: s[:-2] + s[:-3:-1],
    "swap ends": lambda s: s[-1:] + s[1:-1] + s[:1] if len(s) > 1 else s,
    "reverse first three": lambda s: s[2::-1] + s[3:],
    "even places first": lambda s: s[::2] + s[1::2],
    "sort": lambda s: "".join(sorted(s)),
    "sort down": lambda s: "".join(sorted(s, reverse=True)),
}
RESIZE: dict[str, StringFunction] = {
    "double first": lambda s: s[:1] + s,
    "double last": lambda s: s + s[-1:],
    "drop first": lambda s: s[1:] if len(s) > 2 else s,
    "drop last": lambda s: s[:-1] if len(s) > 2 else s,
    "first to the end as well": lambda s: s + s[:1],
    "last to the front as well": lambda s: s[-1:] + s,
}


def _letters(change: Callable[[int], int]) -> StringFunction:
    table = str.maketrans(ALPHABET, "".join(ALPHABET[change(i) % 8] for i in range(8)))
    return lambda s: s.translate(table)


def _catalogue() -> list[StringFunction]:
    shifts = [_letters(lambda i, k=k: i + k) for k in range(1, 8)]
    mirrored = [_letters(lambda i: 7 - i)]
    swaps = [
        _letters(lambda i, a=a, b=b: b if i == a else a if i == b else i)
        for a, b in [(0, 4), (1, 5), (2, 6), (3, 7), (0, 1), (2, 3), (4, 5)]
    ]
    fixed: list[StringFunction] = []
    for letter in ALPHABET:
        fixed += [
            lambda s, c=letter: c + s,
            lambda s, c=letter: s + c,
            lambda s, c=letter: c + s[1:],
            lambda s, c=letter: s[:-1] + c,
        ]
    return [*REARRANGE.values(), *RESIZE.values(), *shifts, *mirrored, *swaps, *fixed]


_shuffled = _catalogue()
random.Random(64).shuffle(_shuffled)
TINY_FUNCTIONS: dict[str, StringFunction] = {f"F{i:02d}": f for i, f in enumerate(_shuffled)}

FEW = tuple(TINY_FUNCTIONS)[:8]
"""Those of the preset `letters`."""


def tiny_set(name: str, common: int) -> tuple[str, ...]:
    """Ids of one set: the first `common` are common, the others half train and half held out."""
    ids = list(TINY_FUNCTIONS)
    middle = common + (len(ids) - common) // 2
    sets = {
        "common": ids[:common],
        "train": ids[common:middle],
        "held_out": ids[middle:],
        "all": ids,
    }
    return tuple(sets[name])
