"""Graders of words, lists, fields and numbers."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments.conformance.hostile import junk
from rlskills.environments.grading import (
    LONGEST,
    exact,
    json_field,
    normalised,
    number,
    ordered_list,
    read_list,
    read_number,
)  # fmt: skip


def test_exact_is_to_the_character():
    assert exact("a b", "a b")
    assert not exact("a b ", "a b")
    assert not exact("A b", "a b")


@pytest.mark.parametrize("answer", ["straße 5", "STRASSE 5", " Straße\n\t5 ", "ｓｔｒａｓｓｅ ５"])
def test_normalised_forgives_case_width_and_space(answer: str):
    assert normalised(answer, "Strasse 5")
    assert not normalised(answer + "5", "Strasse 5")
    assert not normalised(answer + " " * LONGEST, "Strasse 5")


@given(st.lists(st.text("abcß ÉＡ\t", min_size=1)))
def test_normalised_does_not_mind_how_words_are_spaced(words: list[str]):
    together, apart = " ".join(words), "\n " + " \t ".join(words).upper()
    assert normalised(together, together)
    assert normalised(apart, together.upper())
    assert not normalised(together + "x", together)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        (" -5 ", -5),
        ("+5.", 5),
        (".25", Fraction(1, 4)),
        ("−3", -3),
        ("1,234,567", 1234567),
        ("1e3", 1000),
        ("-1,234.5E-1", Fraction(-12345, 100)),
        ("2/3", Fraction(2, 3)),
        ("1.5 / 3", Fraction(1, 2)),
        ("1e400", 10**400),
    ],
)
def test_numbers_are_read_exactly(text: str, value: int | Fraction):
    assert read_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1/0", "1,23", "12,345,6", "1e999", "1e", "nan", "inf", "٣", "½", "0x1", "1_0",
     "1 2", "5 apples", "9" * 5000, "1/2/3", "--5", "9**9"],
)  # fmt: skip
def test_what_is_no_number(text: str):
    assert read_number(text) is None
    assert not number(text, 5)


@given(st.fractions(), st.fractions(min_value=0))
def test_tolerance_is_the_largest_distance_allowed(value: Fraction, tolerance: Fraction):
    near = value + tolerance
    if len(str(near)) < 400:
        # Floats: the nearest one to a tolerance may be below it, so 1 is well within 2.
        assert number(str(near), value, tolerance=2 * float(tolerance))
        assert number(str(value), value)
        assert not number(str(near + 1), value, tolerance=float(tolerance) / 2)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-1e9, max_value=1e9))
def test_decimals_as_text_compare_exactly(value):
    assert number(f"{value:f}", f"{value:f}")
    assert number(f"{value:,f}", f"{value:f}")


def test_an_expected_value_that_is_no_number_is_the_authors_error():
    with pytest.raises(ValueError, match="'five'"):
        number("5", "five")


@pytest.mark.parametrize(
    "text",
    ['["a", "b", "c"]', "a, b, c", "a b c", "[a, b, c]", "a\nb\nc", "'a', \"b\"; c", " a ,b,c "],
)
def test_lists_are_read_in_the_usual_forms(text: str):
    assert read_list(text) == ["a", "b", "c"]
    assert ordered_list(text, ["a", "b", "c"]) == 1
    assert ordered_list(text, ["a", "c", "b"]) == 0


def test_partial_credit_is_the_share_of_places():
    assert ordered_list("a c b", ["a", "b", "c"], partial=True) == pytest.approx(1 / 3)
    assert ordered_list("a b", ["a", "b", "c"], partial=True) == pytest.approx(2 / 3)
    assert ordered_list("a b c d", ["a", "b", "c"], partial=True) == 0.75
    assert ordered_list("", [], partial=True) == ordered_list("[]", []) == 1


@given(st.lists(st.text()))
def test_json_lists_hold_any_items(items: list[str]):
    text = json.dumps(items)
    if len(text) <= LONGEST:
        assert read_list(text) == items


@given(st.lists(st.text()), st.text())
def test_a_part_is_right_only_as_a_whole(expected: list[str], answer: str):
    share = ordered_list(answer, expected, partial=True)
    assert 0 <= share <= 1
    assert (share == 1) == (ordered_list(answer, expected) == 1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values, json_values)
def test_a_field_holds_what_was_written_in_it(value, other):
    text = f"so it is\n```json\n{json.dumps({'output': value}).replace('`', '')}\n```"
    if "`" not in json.dumps(value):
        assert json_field(text, "output", value)
    assert not json_field(text, "answer", value)
    assert not json_field(text, "output", [value, other])


@pytest.mark.parametrize(
    ("written", "expected", "right"),
    [("1", 1.0, True), ("1", True, False), ("true", 1, False), ('"1"', 1, False), ("null", 0, 0)],
)
def test_fields_keep_their_type(written: str, expected: object, right: bool):
    assert json_field(f'{{"output": {written}}}', "output", expected) == right


def test_junk_is_harmless():
    for text in junk(200):
        assert not normalised(text, "forty-two")
        assert not number(text, 42)
        assert ordered_list(text, ["forty", "two"]) == 0
        assert not json_field(text, "output", "forty-two")
        assert not json_field(f'{{"output": {text}}}', "output", "forty-two")
