"""Polynomials are read and expanded exactly, and nothing takes long."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.adapters.rg.polynomials import Polynomial, derivative, polynomial

terms = st.lists(
    st.tuples(st.integers(-9, 9), st.sampled_from("xy"), st.integers(0, 5)), min_size=1, max_size=4
)


def text_of(found: list[tuple[int, str, int]]) -> str:
    return " + ".join(f"{factor}*{name}**{power}" for factor, name, power in found)


def value(of: Polynomial, at: dict[str, Fraction]) -> Fraction:
    total = Fraction(0)
    for powers, factor in of.items():
        for name, power in powers:
            factor *= at[name] ** power
        total += factor
    return total


@given(terms, terms, st.integers(1, 7), st.integers(1, 7))
def test_products_have_the_value_of_their_factors(one, other, x, y):
    at = {"x": Fraction(x), "y": Fraction(y)}
    left, right = polynomial(text_of(one)), polynomial(text_of(other))
    product = polynomial(f"({text_of(one)})*({text_of(other)})")
    assert left is not None
    assert right is not None
    assert product is not None
    assert value(product, at) == value(left, at) * value(right, at)


@given(terms)
def test_an_expanded_sum_is_itself_in_any_order(one):
    assert polynomial(text_of(one)) == polynomial(text_of(one[::-1]))
    assert polynomial(f"({text_of(one)}) - ({text_of(one)})") == {}


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("3*X**10 + 75*X/8", "75/8*X + 3*X**10"),
        ("-x**2", "0 - x*x"),
        ("2/x**3", "2*x**-3"),
        ("(x + 1)**3", "x**3 + 3*x**2 + 3*x + 1"),
        ("x**(1 + 1)", "x**2"),
        ("0.5*x", "x/2"),
    ],
)
def test_ways_to_write_the_same(text: str, same: str):
    assert polynomial(text) == polynomial(same) != {}


@pytest.mark.parametrize(
    "text",
    ["", "x+", "2x", "x y", "sin(x)", "x**x", "x**0.5", "1/(x + 1)", "1/0", "x**999", "9**9**9",
     "(" * 400, "-" * 4000, "x" * 6000, "(x + y + 1)**90", "x = 1", "9" * 101, "\ud800", "٣"],
)  # fmt: skip
def test_what_is_none_or_too_large_is_refused(text: str):
    assert polynomial(text) is None


def test_derivatives():
    found = polynomial("x**3/3 - 1/x + y*x + C")
    assert found is not None
    assert derivative(found, "x") == polynomial("x**2 + x**-2 + y")
