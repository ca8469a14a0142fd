"""Numbers as people write them, read exactly."""

from __future__ import annotations

import re
from fractions import Fraction

MOST_DIGITS = 400
"""Digits of a number that is read, its exponent's zeros included."""

_NUMBER = re.compile(
    r"""([+-]?) \s*
        (?: ([0-9]{1,3}(?:,[0-9]{3})+ | [0-9]+) (?:\.([0-9]*))? | \.([0-9]+) )
        (?: [eE]([+-]?[0-9]{1,3}) )?
        (?: \s*/\s* ([0-9]+) )?""",
    re.VERBOSE,
)


def number(answer: str, expected: float | Fraction | str, *, tolerance: float = 0.0) -> bool:
    """Whether the answer is this number, at most `tolerance` away from it.

    Both are compared as exact fractions, so `1/3` is right for `Fraction(1, 3)` and `0.3` is
    right for `"0.3"`; the float 0.3 is not quite 3/10. A text that is no number is wrong.
    """
    found = read_number(answer)
    wanted = read_number(expected) if isinstance(expected, str) else Fraction(expected)
    if wanted is None:
        raise ValueError(f"{expected!r}, the number that is expected, is none")
    return found is not None and abs(found - wanted) <= Fraction(tolerance)


def read_number(text: str) -> Fraction | None:
    """The number that is all of `text`, or None.

    Accepts a sign (also the typographic minus), thousands in groups of three behind commas,
    decimals, an exponent of up to three digits, and a denominator: `-1,234.5e-3`, `2/3`.
    """
    if len(text) > MOST_DIGITS:
        return None
    found = _NUMBER.fullmatch(text.strip().replace("\N{MINUS SIGN}", "-"))
    if found is None:
        return None
    sign, whole, decimals, bare, exponent, denominator = found.groups(default="")
    decimals += bare
    power = int(exponent or 0) - len(decimals)
    if abs(power) > MOST_DIGITS or not int(denominator or 1):
        return None
    digits = int(whole.replace(",", "") + decimals)
    value = Fraction(digits) * Fraction(10) ** power / int(denominator or 1)
    return -value if sign == "-" else value
