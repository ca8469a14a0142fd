"""Model-written arithmetic: exact on every expression, and harmless on every other text."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rlskills.environments.conformance.hostile import BOMBS, CALLS, junk
from rlskills.environments.grading import arithmetic


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("8-3-2", 3),
        ("8/4/2", 1),
        ("8/3*3", 8),
        ("-2*3", -6),
        ("--2", 2),
        ("2*-3", -6),
        ("2-+3", -1),
        ("-(1+2)", -3),
        ("1.5*4", 6),
        (" 7 \n", 7),
        ("6 ÷ 3 × 2 − 1", 3),
        ("((((5))))", 5),
        ("007", 7),
    ],
)
def test_usual_precedence(text: str, value: int):
    found = arithmetic(text)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "()", "1+", "*1", "1 2", "(1", "1)", "1)+(2", "2(3)", "1/0", "1/(2-2)", "1,5", ".5",
     "5.", "1e3", "0x10", "1_000", "x", "2**3", "1//2", "7%4", "1 = 1", "٣+٤", "½", "1\0", "2* *3",
     "1. 5", "9" * 51, "1" + "+1" * 50, "(" * 10**6, "9" * 10**6, "9*" * 40 + "9" * 50],
)  # fmt: skip
def test_what_is_no_expression_or_too_large(text: str):
    assert arithmetic(text) is None


def test_numbers_are_listed_as_written_from_left_to_right():
    found = arithmetic("(3+0.5)*12-3")
    assert found is not None
    assert found.numbers == (3, Fraction(1, 2), 12, 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [("2**3**2", 512), ("-2**2", -4), ("(-2)**2", 4), ("2**-2", Fraction(1, 4)), ("2**-1*3", 1.5)],
)
def test_powers_if_asked_for(text: str, value: float):
    found = arithmetic(text, powers=True)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "text", ["9**9**9", "(9**9)**9**9", "2**0.5", "0**-1", "2**(1/3)", "10**60", "1**(10**40)"]
)
def test_powers_stay_bounded(text: str):
    assert arithmetic(text, powers=True) is None


def test_bounds_can_be_set():
    assert arithmetic("1+2+3", max_nodes=5) is not None
    assert arithmetic("1+2+3", max_nodes=4) is None
    assert arithmetic("10*10", max_digits=3) is not None
    assert arithmetic("10**4", max_digits=3, powers=True) is None
    assert arithmetic("9" * 5000, max_digits=6000) is None  # longer than Python reads


Tree = int | tuple[str, "Tree", "Tree"]
trees: st.SearchStrategy = st.recursive(
    st.integers(0, 99), lambda t: st.tuples(st.sampled_from("+-*/"), t, t), max_leaves=12
)


def value(tree: Tree) -> Fraction:
    if isinstance(tree, int):
        return Fraction(tree)
    sign, left, right = tree
    a, b = value(left), value(right)
    return a + b if sign == "+" else a - b if sign == "-" else a * b if sign == "*" else a / b


def written(tree: Tree, needed: int = 0) -> str:
    """With no more brackets than precedence needs."""
    if isinstance(tree, int):
        return str(tree)
    sign, left, right = tree
    level = 1 if sign in "+-" else 2
    text = f"{written(left, level)} {sign} {written(right, level + 1)}"
    return f"({text})" if level < needed else text


def leaves(tree: Tree) -> list[int]:
    return [tree] if isinstance(tree, int) else [*leaves(tree[1]), *leaves(tree[2])]


@given(trees)
def test_every_tree_is_computed_exactly(tree: Tree):
    try:
        wanted = value(tree)
    except ZeroDivisionError:
        assert arithmetic(written(tree)) is None
        return
    found = arithmetic(written(tree))
    assert found == (wanted, tuple(leaves(tree)))


@given(trees, st.integers(0, 60), st.sampled_from(["(", ")", "+", "*", "/", "a", "\0", "**"]))
def test_a_spoiled_expression_raises_nothing(tree: Tree, place: int, piece: str):
    text = written(tree)
    assume(place <= len(text))
    arithmetic(text[:place] + piece + text[place:], powers=True)


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    found = arithmetic(text, powers=True)
    assert found is None or found.numbers


@pytest.mark.parametrize("text", [*BOMBS, *CALLS])
def test_code_is_no_arithmetic(text: str):
    assert arithmetic(text, powers=True) is None


def test_junk_is_harmless():
    for text in junk(400):
        found = arithmetic(text, powers=True)
        assert found is None or abs(found.value) < 10**51
