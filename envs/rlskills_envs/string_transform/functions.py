"""The paper's 25 string functions, under the anonymous names `func_0` to `func_24`.

Their behaviour is that of "From f(x) and g(x) to f(g(x))" (arXiv 2509.25123, release file
`string_data.py`), the code is ours. A model may be shown a definition, so the functions carry no
docstring, need nothing from outside their body, and call nothing but themselves. All accept any
string and terminate; those that recurse do so on halves, or to a depth that their parameter bounds.
"""

# What the functions do stands in comments above them, which `definition` does not show.
# ruff: noqa: D103

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from rlskills.errors import UnknownName


# Permute: place i takes character i * step, for the first odd step from 3 coprime with the length.
def stride_through(s: str) -> str:
    if not s:
        return s
    size, step = len(s), 3
    while any(step % k == 0 and size % k == 0 for k in range(2, step + 1)):
        step += 2
    return "".join(s[i * step % size] for i in range(size))


# Repeat n times.
def repeat_times(s: str, n: int) -> str:
    return s * n


# Delete vowels of either case.
def drop_vowels(s: str) -> str:
    return "".join(c for c in s if c not in "aeiouAEIOU")


# Sort by code point.
def order_characters(s: str) -> str:
    return "".join(sorted(s))


# Reverse the order of words; the identity where there is no whitespace.
def turn_words(s: str) -> str:
    return " ".join(s.split()[::-1])


# Prefix.
def put_before(s: str, t: str) -> str:
    return t + s


# Suffix.
def put_after(s: str, t: str) -> str:
    return s + t


# Alternate characters of both; what is left of the longer one follows.
def weave(s: str, t: str) -> str:
    both = min(len(s), len(t))
    pairs = "".join(s[i] + t[i] for i in range(both))
    return pairs + s[both:] + t[both:]


# Rotate left by n places.
def rotate_left(s: str, n: int) -> str:
    if not s:
        return s
    start = n % len(s)
    return s[start:] + s[:start]


# Append the reverse.
def append_mirrored(s: str) -> str:
    return s + s[::-1]


# Lower case at even places, upper case at odd ones.
def zigzag_case(s: str) -> str:
    return "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(s))


# Move Latin letters n places on in the alphabet, with wrap; the case stays.
def advance_letters(s: str, n: int) -> str:
    moved = []
    for c in s:
        if "a" <= c <= "z":
            moved.append(chr((ord(c) - ord("a") + n) % 26 + ord("a")))
        elif "A" <= c <= "Z":
            moved.append(chr((ord(c) - ord("A") + n) % 26 + ord("A")))
        else:
            moved.append(c)
    return "".join(moved)


# Vowels of either case become their number, 1 to 5.
def number_vowels(s: str) -> str:
    return "".join(str("aeiou".index(c.lower()) + 1) if c in "aeiouAEIOU" else c for c in s)


# A separator between neighbours.
def join_with(s: str, t: str) -> str:
    return t.join(s)


# Double every character in place.
def double_each(s: str) -> str:
    return "".join(c + c for c in s)


# Guillemets around every character.
def quote_each(s: str) -> str:
    return "".join("«" + c + "»" for c in s)


# Collapse runs of one character.
def squeeze_runs(s: str) -> str:
    return "".join(c for i, c in enumerate(s) if i == 0 or c != s[i - 1])


# Reverse, by recursion.
def reverse_by_halves(s: str) -> str:
    if len(s) < 2:
        return s
    middle = len(s) // 2
    return reverse_by_halves(s[middle:]) + reverse_by_halves(s[:middle])


# Repeat n times, by a loop: func_1 again.
def repeat_by_loop(s: str, n: int) -> str:
    out = ""
    for _ in range(n):
        out += s
    return out


# Move the first character to the end n times: func_8 again.
def rotate_by_steps(s: str, n: int) -> str:
    while n > 0:
        s = s[1:] + s[:1]
        n -= 1
    return s


# Alternate characters of both, by recursion: func_7 again.
def weave_by_halves(s: str, t: str) -> str:
    both = min(len(s), len(t))
    if both < 2:
        return s[:1] + t[:1] + s[1:] + t[1:]
    half = both // 2
    return weave_by_halves(s[:half], t[:half]) + weave_by_halves(s[half:], t[half:])


# Keep letters only, of any alphabet.
def keep_letters(s: str) -> str:
    return "".join(c for c in s if c.isalpha())


# Drop the last character of an odd length.
def make_even(s: str) -> str:
    return s[:-1] if len(s) % 2 else s


# Search, at most n deep, for what to append so that there is a digit: at once, "1" does.
def search_digit(s: str, n: int) -> str:
    if n == 0 or any(c.isdigit() for c in s):
        return s
    for digit in "123":
        found = search_digit(s + digit, n - 1)
        if any(c.isdigit() for c in found):
            return found
    return s


# Append the reverse until it is a palindrome, at most n times: at most once, in effect.
def search_palindrome(s: str, n: int) -> str:
    if n == 0 or s == s[::-1]:
        return s
    return search_palindrome(s + s[::-1], n - 1)


@dataclass(frozen=True)
class Word:
    """A parameter that is a random word of `shortest` to `longest` lowercase letters."""

    shortest: int
    longest: int


Parameter: TypeAlias = range | tuple[str, ...] | Word
"""What a literal argument is drawn from."""


@dataclass(frozen=True)
class Function:
    """One anonymous function: its string operands come first, then at most one parameter."""

    id: str
    call: Callable[..., str]
    held_out: bool
    """In the paper's evaluation set; the others are its training set."""
    operands: int = 1
    parameter: Parameter | None = None


RECORDS: dict[str, Function] = {
    record.id: record
    for record in (
        Function("func_0", stride_through, held_out=True),
        Function("func_1", repeat_times, held_out=False, parameter=range(2, 5)),
        Function("func_2", drop_vowels, held_out=True),
        Function("func_3", order_characters, held_out=False),
        Function("func_4", turn_words, held_out=False),
        Function("func_5", put_before, held_out=False, parameter=Word(2, 4)),
        Function("func_6", put_after, held_out=True, parameter=Word(2, 4)),
        Function("func_7", weave, held_out=True, operands=2),
        Function("func_8", rotate_left, held_out=True, parameter=range(1, 4)),
        Function("func_9", append_mirrored, held_out=False),
        Function("func_10", zigzag_case, held_out=True),
        Function("func_11", advance_letters, held_out=False, parameter=range(1, 6)),
        Function("func_12", number_vowels, held_out=True),
        Function("func_13", join_with, held_out=False, parameter=("-", "_", "|")),
        Function("func_14", double_each, held_out=True),
        Function("func_15", quote_each, held_out=False),
        Function("func_16", squeeze_runs, held_out=True),
        Function("func_17", reverse_by_halves, held_out=False),
        Function("func_18", repeat_by_loop, held_out=True, parameter=range(2, 5)),
        Function("func_19", rotate_by_steps, held_out=False, parameter=range(1, 4)),
        Function("func_20", weave_by_halves, held_out=False, operands=2),
        Function("func_21", keep_letters, held_out=True),
        Function("func_22", make_even, held_out=False),
        Function("func_23", search_digit, held_out=False, parameter=range(1, 4)),
        Function("func_24", search_palindrome, held_out=True, parameter=range(1, 4)),
    )
}
FUNCTIONS: dict[str, Callable[..., str]] = {name: record.call for name, record in RECORDS.items()}


@cache
def definition(function_id: str) -> str:
    """Source of a function under its anonymous name, recursive calls included."""
    if function_id not in RECORDS:
        raise UnknownName("string function", function_id, RECORDS)
    call = RECORDS[function_id].call
    # Word boundaries: a name that contains this one must not be cut.
    return re.sub(rf"\b{call.__name__}\b", function_id, inspect.getsource(call)).rstrip()
