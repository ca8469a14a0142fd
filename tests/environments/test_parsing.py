"""Parsers read the last answer, and survive any text in linear time."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rlskills.environments.parsing import (
    TAIL,
    after_thinking,
    answer_block,
    json_object,
    strictly_formed,
)

PIECES = ["<answer>", "</answer>", "<think>", "</think>", "```json\n", "```", "{", "}", '{"a":',
          '"', "\\", "[", ":", "1", "True", "\n", " ", "\ud800", "\0", "é"]  # fmt: skip
hostile = st.text() | st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<answer>5</answer>", "5"),
        ("<answer> 5\n</answer>", "5"),
        ("<answer>1</answer> no, <answer>2</answer>", "2"),
        ("<answer>1<answer>2</answer>", "2"),
        ("<answer>1</answer></answer>", "1"),
        ("<answer></answer>", ""),
        ("<think><answer>1</answer></think><answer>2</answer>", "2"),
        ("so <answer>1</answer></think> it is <answer>2</answer>", "2"),  # opened by the template
        ("<answer>1</answer></think> hm", None),
        ("<answer>5", None),
        ("5</answer>", None),
        ("<ANSWER>5</ANSWER>", None),
        ("", None),
        ("<answer>two\nlines</answer>", "two\nlines"),
    ],
)
def test_the_last_answer_block_counts(text, answer):
    assert answer_block(text) == answer


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"output": "ab"}', {"output": "ab"}),
        ('{"output": 1} or {"output": 2}', {"output": 2}),
        ('```json\n{"output": 1}\n``` {"output": 2}', {"output": 1}),  # a fence wins
        ('```json\n{"a": 1}\n```\n```json  \n\n{"a": 2}\n```', {"a": 2}),
        ('{"output": 1}</think>', None),
        ("{'output': 1}", None),
        ('{"output": True, "other": None}', {"output": True, "other": None}),
        ('\\{"output": "x"\\}', {"output": "x"}),
        ('{"a": {"b": 1}}', {"a": {"b": 1}}),
        ('{"a": {"b": 1}', {"b": 1}),
        ('{ \n "a": "two\nlines"}', {"a": "two\nlines"}),
        ("{}", {}),
        ("{", None),
        ("no braces", None),
    ],
)
def test_the_last_json_object_counts(text, found):
    assert json_object(text) == found


def test_only_the_tail_is_read():
    assert answer_block("<answer>5</answer>" + " " * TAIL) is None
    assert answer_block(" " * TAIL + "<answer>5</answer>") == "5"
    assert json_object('{"a": 1}' + " " * TAIL) is None
    assert len(after_thinking("x" * 10 * TAIL)) == TAIL


@given(hostile)
@example("\ud800<answer>\udfff</answer>")
def test_any_text_is_read_without_an_exception(text):
    assert isinstance(answer_block(text), str | None)
    assert isinstance(json_object(text), dict | None)
    assert isinstance(after_thinking(text), str)


@given(hostile, st.text(alphabet=st.characters(exclude_characters="<")))
def test_an_answer_behind_any_text_is_found(before, answer):
    assert answer_block(f"{before}<answer>{answer}</answer>") == answer.strip()


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=4))
def test_any_object_in_a_fence_comes_back(value):
    text = json.dumps(value)
    if "\\{" not in text and "\\}" not in text:
        assert json_object(f"I think so:\n```json\n{text}\n```") == value


MEGABYTE = 1_000_000
REPEATED = [*PIECES, "{\n", '{"\n', "<answer", "```json \n", '{"a":[', "\\{", "True ", "🦆{"]


@pytest.mark.parametrize("piece", REPEATED)
@pytest.mark.parametrize("around", ["{}", "```json\n{}", "<answer>{}</answer>", '{{"a":{}}}'])
def test_a_megabyte_of_anything_is_read_quickly(piece, around):
    for size in (MEGABYTE, TAIL - 20):
        text = around.format(piece * (size // len(piece)))
        spent = []
        for _ in range(3):  # the least of three, so that a busy machine does not fail it
            start = time.process_time()
            answer_block(text)
            json_object(text)
            spent.append(time.process_time() - start)
            if spent[-1] < 0.25:
                break
        assert min(spent) < 0.25


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(REPEATED), min_size=1, max_size=4).map("".join))
def test_no_repeated_pattern_is_slow(pattern):
    text = pattern * (TAIL // len(pattern))
    start = time.process_time()
    answer_block(text)
    json_object(text)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("text", "formed"),
    [
        ("<answer>5</answer>", True),
        ("so it is <answer>5</answer> \n", True),
        ("<think>2+3</think><answer>5</answer>", True),
        ("2+3</think>\n<answer>5</answer>", True),  # opened by the chat template
        ("", False),
        ("5", False),
        ("<answer></answer>", False),
        ("<answer> \n</answer>", False),
        ("<think></think><answer>5</answer>", False),
        ("</think><answer>5</answer>", False),
        ("<think>2+3<answer>5</answer>", False),
        ("<answer>5</answer><answer>5</answer>", False),
        ("<think><answer>5</answer></think><answer>5</answer>", False),
        ("<think>a</think><think>b</think><answer>5</answer>", False),
        ("a</think>b</think><answer>5</answer>", False),
        ("<answer>5</answer>.", False),
        ("<answer>5", False),
        ("5</answer>", False),
        ("<answer><answer>5</answer>", False),
        ("<answer>5</answer></answer>", False),
    ],
)
def test_strict_form_is_one_block_at_the_end_and_nothing_empty(text, formed):
    assert strictly_formed(text) is formed


@given(hostile)
def test_what_is_strictly_formed_has_an_answer(text):
    assert not strictly_formed(text) or answer_block(text)
    assert strictly_formed(f"<answer>{text}</answer>") == (
        bool(text.strip()) and not any(tag in text for tag in PIECES[:4])
    )
