"""KEY=VALUE texts of the command line."""

from __future__ import annotations

import pytest

from rlskills.errors import UserError
from rlskills.spec.pairs import read_pairs


def test_values_are_json_or_text():
    pairs = ("a=1", "b=1e-4", "c=true", 'd={"e": [null]}', "f=x=y", "g=", "h=[1", ' i ="1"')
    assert read_pairs(pairs, "here") == {
        "a": 1, "b": 1e-4, "c": True, "d": {"e": [None]}, "f": "x=y", "g": "", "h": "[1", "i": "1",
    }  # fmt: skip


@pytest.mark.parametrize("pairs", [("a",), ("=1",), ("",), ("a=1", "a=1")], ids=str)
def test_others_are_one_line(pairs):
    with pytest.raises(UserError, match=r"^here: ") as error:
        read_pairs(pairs, "here")
    assert "\n" not in str(error.value)


def test_deeply_nested_text_stays_text():
    text = "[" * 100_000
    assert read_pairs((f"a={text}",), "here") == {"a": text}
