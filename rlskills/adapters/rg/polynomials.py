"""Polynomials that a model wrote, read and expanded exactly, without being executed.

Terms may have negative exponents, and division is by a single term; that is all that products and
integrals of polynomials need. Every intermediate result is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

Powers: TypeAlias = tuple[tuple[str, int], ...]
Polynomial: TypeAlias = dict[Powers, Fraction]
"""Coefficient by powers of variables (sorted by name, none 0); no coefficient is 0."""

LONGEST, MOST_TERMS, HIGHEST, MOST_DIGITS = 5_000, 1_000, 200, 100
_TOKENS = re.compile(r"\s*(\*\*|[0-9]+(?:\.[0-9]+)?|[A-Za-z]|[-+*/()])")


class _Refused(Exception):
    """Not a polynomial, or too large."""


def polynomial(text: str) -> Polynomial | None:
    """The expanded polynomial that all of `text` spells, or None."""
    if len(text) > LONGEST:
        return None
    try:
        reader = _Reader(_tokens(text.strip()))
        found = reader.sum(0)
        return None if reader.here else found
    except (_Refused, RecursionError):
        return None


def derivative(of: Polynomial, variable: str) -> Polynomial:
    """The derivative by one variable; all others are constants."""
    found: Polynomial = {}
    for powers, factor in of.items():
        exponents = dict(powers)
        power = exponents.get(variable, 0)
        if power:
            exponents[variable] = power - 1
            found[_powers(exponents)] = factor * power
    return found


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None or len(match[1]) > MOST_DIGITS:
            raise _Refused
        yield match[1]
        position = match.end()


class _Reader:
    """Recursive descent: sums of products of signed powers of numbers, names and brackets."""

    def __init__(self, tokens: Iterator[str]) -> None:
        self.tokens = tokens
        self.here = next(tokens, "")

    def sum(self, depth: int) -> Polynomial:
        total = self._product(depth)
        while self.here in ("+", "-"):
            sign = 1 if self._take() == "+" else -1
            total = _bounded(_add(total, self._product(depth), sign))
        return total

    def _product(self, depth: int) -> Polynomial:
        value = self._signed(depth)
        while self.here in ("*", "/"):
            if self._take() == "*":
                value = _multiply(value, self._signed(depth))
            else:
                value = _multiply(value, _power(self._signed(depth), -1))
        return value

    def _signed(self, depth: int) -> Polynomial:
        if self.here in ("+", "-"):
            sign = 1 if self._take() == "+" else -1
            return _add({}, self._signed(depth + 1), sign)
        value = self._atom(depth)
        if self.here == "**":
            self._take()
            value = _power(value, _whole(self._signed(depth + 1)))
        return value

    def _atom(self, depth: int) -> Polynomial:
        token = self._take()
        if depth > 50:
            raise _Refused
        if token == "(":
            value = self.sum(depth + 1)
            if self._take() != ")":
                raise _Refused
            return value
        if token.isalpha():
            return {((token, 1),): Fraction(1)}
        if token[:1].isdigit():
            return {(): Fraction(token)} if Fraction(token) else {}
        raise _Refused

    def _take(self) -> str:
        token, self.here = self.here, next(self.tokens, "")
        return token


def _powers(exponents: dict[str, int]) -> Powers:
    return tuple(sorted((name, power) for name, power in exponents.items() if power))


def _add(one: Polynomial, other: Polynomial, sign: int) -> Polynomial:
    total = dict(one)
    for powers, factor in other.items():
        total[powers] = total.get(powers, Fraction(0)) + sign * factor
    return {powers: factor for powers, factor in total.items() if factor}


def _multiply(one: Polynomial, other: Polynomial) -> Polynomial:
    if len(one) * len(other) > 10 * MOST_TERMS:
        raise _Refused
    total: dict[Powers, Fraction] = {}
    for powers, factor in one.items():
        for others, by in other.items():
            exponents = dict(powers)
            for name, power in others:
                exponents[name] = exponents.get(name, 0) + power
            product = _powers(exponents)
            total[product] = total.get(product, Fraction(0)) + factor * by
    return _bounded({powers: factor for powers, factor in total.items() if factor})


def _power(base: Polynomial, exponent: int) -> Polynomial:
    if exponent < 0:
        if len(base) != 1:
            raise _Refused
        ((powers, factor),) = base.items()
        base = {tuple((name, -power) for name, power in powers): 1 / factor}
    result: Polynomial = {(): Fraction(1)}
    for _ in range(abs(exponent)):
        result = _multiply(result, base)
    return result


def _whole(value: Polynomial) -> int:
    exponent = value.get((), Fraction(0)) if set(value) <= {()} else None
    if exponent is None or exponent.denominator != 1 or abs(exponent) > HIGHEST:
        raise _Refused
    return int(exponent)


def _bounded(value: Polynomial) -> Polynomial:
    limit = 10**MOST_DIGITS
    if len(value) > MOST_TERMS:
        raise _Refused
    for powers, factor in value.items():
        if any(abs(power) > HIGHEST for _, power in powers):
            raise _Refused
        if abs(factor.numerator) > limit or factor.denominator > limit:
            raise _Refused
    return value
