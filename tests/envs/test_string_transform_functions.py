"""What the functions of `string_transform` do, that no two are the same, and what a model sees."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.errors import UnknownName
from rlskills_envs.string_transform import FUNCTIONS, TINY_FUNCTIONS
from rlskills_envs.string_transform.expression import evaluate
from rlskills_envs.string_transform.functions import RECORDS, Word, definition
from rlskills_envs.string_transform.presets import PRESETS
from rlskills_envs.string_transform.sampler import Sampler
from rlskills_envs.string_transform.tiny_functions import ALPHABET, tiny_set

EXAMPLES = [
    ("func_0", ("abcde",), "adbec"),  # 0, 3, 6, 9, 12 mod 5
    ("func_0", ("abcdef",), "afedcb"),  # 3 shares a factor with 6, so steps of 5
    ("func_0", ("abcdefghijklmno",), "ahognfmeldkcjbi"),  # 3 and 5 divide 15, so steps of 7
    ("func_0", ("abc",), "acb"),
    ("func_0", ("a",), "a"),
    ("func_0", ("",), ""),
    ("func_1", ("ab", 3), "ababab"),
    ("func_1", ("", 4), ""),
    ("func_2", ("aEiOuxYz",), "xYz"),
    ("func_2", ("aei",), ""),
    ("func_3", ("baB1",), "1Bab"),
    ("func_3", ("",), ""),
    ("func_4", ("one two  three",), "three two one"),
    ("func_4", ("word",), "word"),
    ("func_4", ("  ",), ""),
    ("func_5", ("abc", "xy"), "xyabc"),
    ("func_5", ("", "xy"), "xy"),
    ("func_6", ("abc", "xy"), "abcxy"),
    ("func_7", ("abcd", "12"), "a1b2cd"),
    ("func_7", ("ab", "1234"), "a1b234"),
    ("func_7", ("", "12"), "12"),
    ("func_7", ("", ""), ""),
    ("func_8", ("abcd", 1), "bcda"),
    ("func_8", ("ab", 3), "ba"),
    ("func_8", ("", 2), ""),
    ("func_9", ("abc",), "abccba"),
    ("func_9", ("",), ""),
    ("func_10", ("abCD",), "aBcD"),
    ("func_10", ("a-b",), "a-b"),
    ("func_11", ("xyZ-1", 3), "abC-1"),
    ("func_11", ("é«", 5), "é«"),
    ("func_12", ("aEiOub",), "12345b"),
    ("func_13", ("abc", "-"), "a-b-c"),
    ("func_13", ("a", "-"), "a"),
    ("func_13", ("", "|"), ""),
    ("func_14", ("ab",), "aabb"),
    ("func_15", ("ab",), "«a»«b»"),
    ("func_15", ("",), ""),
    ("func_16", ("aabbba",), "aba"),
    ("func_16", ("aA",), "aA"),
    ("func_16", ("",), ""),
    ("func_17", ("abcde",), "edcba"),
    ("func_17", ("",), ""),
    ("func_18", ("ab", 2), "abab"),
    ("func_19", ("abcd", 3), "dabc"),
    ("func_19", ("", 3), ""),
    ("func_20", ("abcd", "12"), "a1b2cd"),
    ("func_20", ("ab", "12345"), "a1b2345"),
    ("func_20", ("", "12"), "12"),
    ("func_20", ("abc", ""), "abc"),
    ("func_21", ("a-B1«c»",), "aBc"),
    ("func_21", ("12",), ""),
    ("func_22", ("abc",), "ab"),
    ("func_22", ("abcd",), "abcd"),
    ("func_22", ("",), ""),
    ("func_23", ("abc", 1), "abc1"),
    ("func_23", ("abc", 3), "abc1"),
    ("func_23", ("a7c", 2), "a7c"),
    ("func_23", ("", 2), "1"),
    ("func_24", ("abc", 3), "abccba"),
    ("func_24", ("aba", 1), "aba"),
    ("func_24", ("", 1), ""),
]
RELEASED_NAMES = [
    "deterministic_shuffle", "repeat_str", "remove_vowels", "sort_chars", "reverse_words",
    "add_prefix", "add_suffix", "interlace_str", "rotate_str", "mirror_str", "alternate_case",
    "shift_chars", "vowel_to_number", "insert_separator", "duplicate_every_char", "fancy_brackets",
    "compress_repeats", "recursive_reverse", "loop_concat", "while_rotate", "recursive_interlace",
    "loop_filter_nonalpha", "verify_even_length", "backchain_add_digit", "backchain_palindrome",
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "expected"), EXAMPLES)
def test_examples(name: str, arguments: tuple[str | int, ...], expected: str) -> None:
    assert FUNCTIONS[name](*arguments) == expected


def test_every_function_has_an_example_and_a_place() -> None:
    assert list(FUNCTIONS) == [f"func_{i}" for i in range(25)]
    assert {name for name, *_ in EXAMPLES} == set(FUNCTIONS)
    sets = PRESETS["paper"].sets(0)
    held_out = {0, 2, 6, 7, 8, 10, 12, 14, 16, 18, 21, 24}
    assert sets["held_out"] == tuple(f"func_{i}" for i in sorted(held_out))
    assert sets["train"] == tuple(f"func_{i}" for i in range(25) if i not in held_out)
    assert [name for name, one in RECORDS.items() if one.operands == 2] == ["func_7", "func_20"]
    assert sum(one.parameter is not None for one in RECORDS.values()) == 10


def arguments_of(name: str) -> list[tuple[str | int, ...]]:
    """All parameters of a function, words standing for the many there are."""
    match RECORDS[name].parameter:
        case None if RECORDS[name].operands == 2:
            return [("bcd",), ("q",)]
        case None:
            return [()]
        case Word():
            return [("ab",), ("zzz",), ("bbbb",)]
        case values:
            return [(value,) for value in values]


@given(st.text(max_size=40), st.sampled_from(list(FUNCTIONS)))
def test_any_string_gives_a_string(s: str, name: str) -> None:
    for arguments in arguments_of(name):
        assert isinstance(FUNCTIONS[name](s, *arguments), str)


@pytest.mark.parametrize("name", list(FUNCTIONS))
@pytest.mark.parametrize("text", ["", "a" * 5000, "ab" * 2500 + "c", "x " * 2500])
def test_long_strings_do_not_exhaust_the_stack(name: str, text: str) -> None:
    for arguments in arguments_of(name):
        assert isinstance(FUNCTIONS[name](text, *arguments), str)
    if RECORDS[name].operands == 2:
        assert len(FUNCTIONS[name](text, "b" * 5000)) == len(text) + 5000
        assert len(FUNCTIONS[name]("b", text)) == len(text) + 1


# The facts of the released set, and the absence of twins in the others.


def reachable(preset: str, count: int, depths: Iterable[int] = (0, 1, 2, 3)) -> list[str]:
    """Values that calls of a preset's functions really meet, the inputs themselves included."""
    chosen = PRESETS[preset]
    sampler = Sampler(chosen, chosen.sets(0)["all"], chosen.binary_prob)
    rng = random.Random(preset)
    values = [
        evaluate(sampler.program(rng, depth), sampler.input(rng), chosen.functions)
        for depth in depths
        for _ in range(count)
    ]
    return sorted({value for value in values if len(value) <= 200})


def test_twins_of_the_released_set() -> None:
    strings = reachable("paper", 300)
    assert len(strings) > 600
    for s, t in zip(strings, reversed(strings), strict=True):
        assert FUNCTIONS["func_4"](s) == s
        assert FUNCTIONS["func_7"](s, t) == FUNCTIONS["func_20"](s, t)
        for n in (1, 2, 3):
            assert FUNCTIONS["func_1"](s, n + 1) == FUNCTIONS["func_18"](s, n + 1)
            assert FUNCTIONS["func_8"](s, n) == FUNCTIONS["func_19"](s, n)
            expected = s if s == s[::-1] else FUNCTIONS["func_9"](s)
            assert FUNCTIONS["func_24"](s, n) == expected


def without_twins(behaviours: dict[str, tuple[str, ...]], strings: list[str]) -> None:
    """No two functions agree on all these strings, and none leaves them all alone."""
    owners = {tuple(strings): "identity"}
    for name, behaviour in behaviours.items():
        function = name.split()[0]
        other = owners.setdefault(behaviour, function)
        assert other == function, f"{other} and {name} agree"


# Depth 0: single calls on inputs alone tell all functions apart already, so that a model which
# has only seen those can know what a composition will ask of them.
@pytest.mark.parametrize("depths", [(0,), (0, 1, 2, 3)])
def test_clean_set_has_no_twins(depths: tuple[int, ...]) -> None:
    strings = reachable("clean", 400, depths)
    kept = PRESETS["clean"].sets(0)["all"]
    assert set(FUNCTIONS) - set(kept) == {"func_4", "func_18", "func_19", "func_20", "func_24"}
    behaviours = {
        f"{name} {arguments}": tuple(FUNCTIONS[name](s, *arguments) for s in strings)
        for name in kept
        for arguments in arguments_of(name)
    }
    without_twins(behaviours, strings)


@pytest.mark.parametrize("depths", [(0,), (0, 1, 2, 3)])
def test_tiny_set_has_no_twins(depths: tuple[int, ...]) -> None:
    strings = reachable("tiny", 400, depths)
    assert set("".join(strings)) <= set(ALPHABET)
    assert min(map(len, strings)) >= 1
    behaviours = {name: tuple(map(call, strings)) for name, call in TINY_FUNCTIONS.items()}
    assert len(behaviours) == 64
    without_twins(behaviours, strings)


@given(st.text(ALPHABET, max_size=20), st.sampled_from(list(TINY_FUNCTIONS)))
def test_tiny_functions_grow_by_one_letter_at_most(s: str, name: str) -> None:
    value = TINY_FUNCTIONS[name](s)
    assert len(value) <= len(s) + 1
    assert set(value) <= set(ALPHABET)


@pytest.mark.parametrize("common", [0, 1, 32, 62])
def test_tiny_sets_partition_the_functions(common: int) -> None:
    parts = [tiny_set(name, common) for name in ("common", "train", "held_out")]
    assert sorted(sum(parts, ())) == sorted(tiny_set("all", common)) == list(TINY_FUNCTIONS)
    assert len(parts[0]) == common
    assert parts[1]
    assert parts[2]


# Definitions.


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_definition_leaks_no_name(name: str) -> None:
    text = definition(name)
    own = [one.call.__name__ for one in RECORDS.values()]
    for leak in [*RELEASED_NAMES, *own, '"""', "#"]:
        assert leak not in text
    assert text.startswith(f"def {name}(")
    assert text == text.strip()
    assert set(re.findall(r"func_\d+", text)) == {name}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_definition_is_the_function(name: str) -> None:
    namespace: dict[str, Callable[..., str]] = {}
    exec(definition(name), {}, namespace)  # our own source, in nothing but the built-ins
    alone = namespace[name]
    alone.__globals__[name] = alone
    for s in ["", "a", "aba", "Hello wOrld 42", *reachable("clean", 10)]:
        for arguments in arguments_of(name):
            assert alone(s, *arguments) == FUNCTIONS[name](s, *arguments)


def test_definition_of_an_unknown_function() -> None:
    with pytest.raises(UnknownName, match="func_99"):
        definition("func_99")
