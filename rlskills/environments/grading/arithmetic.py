"""Arithmetic that a model wrote, read and computed exactly, without ever being executed.

A grammar of its own (whole numbers, decimals, `+ - * / ( )`, and `**` if it is asked for) over
fractions whose size is bounded at every step, so that no text takes long or much memory.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

_TOKENS = re.compile(r"[0-9]+(?:\.[0-9]+)?|\*\*|[-+*/()]")
_TYPOGRAPHIC = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})
_BINDS = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2, "negate": 3, "**": 4}

Pair = tuple[int, int]
"""Numerator and denominator, the latter not 0; not always in lowest terms."""


class Arithmetic(NamedTuple):
    """A readable expression: what it comes to, and the numbers in it from left to right."""

    value: Fraction
    numbers: tuple[int | Fraction, ...]


def arithmetic(
    text: str, *, max_nodes: int = 100, max_digits: int = 50, powers: bool = False
) -> Arithmetic | None:
    """Compute an expression over exact fractions; None for what is no expression, or too large.

    `max_nodes` bounds numbers, operators and brackets together; `max_digits` bounds the digits of
    every number, every intermediate numerator and every denominator. A division by zero gives None.
    `**` needs `powers`, binds more tightly than a sign to its left, and takes whole exponents.
    """
    if len(text) > max_nodes * (max_digits + 4):
        return None
    if not text.isascii():
        text = text.translate(_TYPOGRAPHIC)
    tokens = _TOKENS.findall(text)
    # What the tokens do not cover may only be white space, and none inside of a number.
    if not 0 < len(tokens) <= max_nodes or _uncovered(text, tokens):
        return None
    try:
        return _compute(tokens, max_digits, powers)
    except (_Refused, ZeroDivisionError, IndexError, ValueError):
        return None


class _Refused(Exception):
    """Not an expression of the grammar, or a number in it is too large."""


def _uncovered(text: str, tokens: list[str]) -> bool:
    return "".join(tokens) != "".join(text.split())


def _compute(tokens: list[str], max_digits: int, powers: bool) -> Arithmetic:
    """Two stacks, values and waiting operators (Dijkstra's shunting yard)."""
    limit = 10**max_digits
    values: list[Pair] = []
    waiting: list[str] = []
    numbers: list[int | Fraction] = []
    operand_next = True
    for token in tokens:
        if token[0] in "0123456789":
            if not operand_next or len(token) - ("." in token) > max_digits:
                raise _Refused
            numbers.append(one := Fraction(token) if "." in token else int(token))
            values.append((one.numerator, one.denominator))
            operand_next = False
        elif token == "(" or (operand_next and token in "+-"):
            if token == "(" and not operand_next:
                raise _Refused
            if token != "+":
                waiting.append("negate" if token == "-" else token)
        elif operand_next or (token == "**" and not powers):
            raise _Refused
        elif token == ")":
            while (operator := waiting.pop()) != "(":
                _apply(operator, values, limit)
        else:
            while waiting and _goes_first(waiting[-1], token):
                _apply(waiting.pop(), values, limit)
            waiting.append(token)
            operand_next = True
    if operand_next:
        raise _Refused
    while waiting:
        _apply(waiting.pop(), values, limit)
    (result,) = values
    return Arithmetic(Fraction(*result), tuple(numbers))


def _goes_first(waiting: str, token: str) -> bool:
    if token == "**":  # groups from the right
        return False
    return _BINDS[waiting] >= _BINDS[token]


def _apply(operator: str, values: list[Pair], limit: int) -> None:
    p, q = values.pop()
    if operator == "negate":
        values.append((-p, q))
        return
    if operator == "(":
        raise _Refused
    n, d = values.pop()
    if operator == "+":
        n, d = (n + p, d) if d == q else (n * q + p * d, d * q)
    elif operator == "-":
        n, d = (n - p, d) if d == q else (n * q - p * d, d * q)
    elif operator == "*":
        n, d = n * p, d * q
    elif operator == "/":
        n, d = n * q, d * p
    else:
        n, d = _power(n, d, p, q, limit)
    if d != 1:
        n, d = Fraction(n, d).as_integer_ratio()
    if not (-limit < n < limit and d < limit):
        raise _Refused
    values.append((n, d))


def _power(n: int, d: int, p: int, q: int, limit: int) -> Pair:
    exponent = Fraction(p, q)
    bits = abs(p) * max(n.bit_length(), d.bit_length())
    if exponent.denominator != 1 or bits > 4 * limit.bit_length():
        raise _Refused  # before anything large is computed
    n, d = (Fraction(n, d) ** exponent.numerator).as_integer_ratio()
    return n, d
