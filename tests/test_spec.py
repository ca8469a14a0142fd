"""Specs as text and JSON, options by type, and the registry of a kind."""

import contextlib
import json
import math
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.errors import UnknownName, UserError
from rlskills.spec import Registry, Spec, typed

words = st.text(min_size=0, max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False,
    allow_infinity=False) | words  # fmt: skip
names = st.text(min_size=1, max_size=12)


def specs(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Spec]:
    return st.builds(Spec, names, st.dictionaries(words, inner, max_size=3))


texts = st.recursive(specs(words), lambda inner: specs(words | inner), max_leaves=6)
values = st.recursive(
    scalars | specs(scalars),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words.filter("$spec".__ne__), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(texts)
def test_text_holds_names_texts_and_nested_specs(spec):
    assert Spec.parse(str(spec)) == spec


@given(specs(values))
def test_json_and_pickle_hold_everything(spec):
    again = Spec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec
    assert hash(again) == hash(spec)
    assert pickle.loads(pickle.dumps(spec)) == spec


@dataclass(frozen=True)
class Options:
    flag: bool = False
    count: int = 0
    rate: float = 0.5
    word: str = ""
    mode: Literal["fast", "slow", 3] = "fast"
    limit: int | None = None
    numbers: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    pair: tuple[float, str] = (0.0, "")
    weights: str | Mapping[str, float] = ""
    inner: Spec | None = None
    inners: tuple[Spec, ...] = ()
    loose: Any = 3


inner = st.builds(lambda n: Spec("sec", {"rate": str(n)}), st.integers())
options = st.fixed_dictionaries(
    {},
    optional={
        "flag": st.booleans(),
        "count": st.integers(),
        "rate": st.floats(allow_nan=False, allow_infinity=False),
        "word": words,
        "mode": st.sampled_from(["fast", "slow", 3]),
        "limit": st.none() | st.integers(),
        "numbers": st.lists(st.integers(), max_size=3).map(tuple),
        "texts": st.lists(words, max_size=3).map(tuple),
        "pair": st.tuples(st.floats(-1, 1), words),
        "weights": st.dictionaries(words.filter("$spec".__ne__), st.floats(0, 1), max_size=2),
        "inner": inner,
        "inners": st.lists(inner, max_size=2).map(tuple),
    },
)


@given(options)
def test_typed_options_survive_their_text(given_options):
    text = str(Spec("x", given_options))
    assert typed(Spec.parse(text).options, Options, "x") == given_options


def test_what_people_write():
    spec = Spec.parse("dapo?inner=(sec?rate=0.3&box=(grid?n=2))&batches=3")
    assert spec.name == "dapo"
    assert spec.options["inner"].options["box"] == Spec("grid", {"n": "2"})
    assert spec.options["batches"] == "3"
    assert Spec.parse("a/b.py:Class?").options == {}
    assert Spec.parse("x?a=b(c&d=e=f&g=1+2%2B").options == {"a": "b(c", "d": "e=f", "g": "1 2+"}
    assert str(Spec("x", {"a": 1.0, "b": True, "c": (1, 2), "d": None})) == (
        "x?a=1.0&b=true&c=1,2&d=none"
    )
    assert str(Spec("rg:basic_arithmetic", {"reward": "answer:1,format:0.1"})) == (
        "rg:basic_arithmetic?reward=answer:1,format:0.1"
    )


def test_replace_leaves_the_original_alone():
    spec = Spec("x", {"a": 1})
    assert spec.replace(a=2, b=3) == Spec("x", {"a": 2, "b": 3})
    assert spec == Spec("x", {"a": 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with a name"),
        ("?a=1", "must begin with a name"),
        ("x?a", "option 'a' needs a value"),
        ("x?a=1&a=2", "'a' is given twice"),
        ("x?a=(y", "parenthesis is not closed"),
        ("x?a=(y)z", "expected & or the end"),
        ("x?a=()", "must begin with a name"),
        ("a?b=(" * 40 + "x" + ")" * 40, "at most"),
        ("x?" + "a\n" * 1000, "needs a value"),
    ],
)
def test_wrong_text_is_one_short_line(text, message):
    with pytest.raises(UserError, match=message) as caught:
        Spec.parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@given(st.text(alphabet="x?=&()%+2\n", max_size=60))
def test_hostile_text_gives_a_spec_or_a_user_error(text):
    try:
        spec = Spec.parse(text)
    except UserError:
        return
    assert Spec.parse(str(spec)) == spec


@pytest.mark.parametrize("text", ["x?" + "a=(" * 200_000, "x?" + "&".join(
    f"k{n}=(y?a=1)" for n in range(30_000)), "x?a=" + "%" * 1_000_000])  # fmt: skip
def test_long_text_takes_linear_time(text):
    start = time.process_time()
    with contextlib.suppress(UserError):
        Spec.parse(text)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, object(), {1: 2}, [object()], {"$spec": 1}, b"x"]
)
def test_values_that_no_text_holds_are_refused(value):
    with pytest.raises(UserError, match="of 'x'"):
        Spec("x", {"a": value})


def test_json_that_is_no_spec():
    for data in ([], {}, {"name": 3}, {"name": "x", "options": 3}):
        with pytest.raises(UserError, match=r"not a spec|must be a mapping"):
            Spec.from_json(data)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("flag", "maybe"), ("flag", 1), ("count", "1.5"), ("count", 1.0), ("count", True),
        ("count", "9" * 10_000), ("rate", "nan"), ("rate", "inf"), ("rate", None), ("rate", True),
        ("word", 3), ("mode", "medium"), ("limit", "x"), ("numbers", "1,x"), ("numbers", 3),
        ("pair", "1"), ("inner", 3), ("texts", "[1"), ("weights", 3),
    ],
)  # fmt: skip
def test_a_wrong_type_is_one_line(option, value):
    with pytest.raises(UserError, match=f"x: option {option}=.* is not of type") as caught:
        typed({option: value}, Options, "x")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_types_are_exact():
    assert typed({"mode": "3"}, Options, "x") == {"mode": 3}
    assert typed({"limit": "None"}, Options, "x") == {"limit": None}
    assert typed({"limit": "7"}, Options, "x") == {"limit": 7}
    assert typed({"weights": "answer:1"}, Options, "x") == {"weights": "answer:1"}
    assert typed({"loose": "7"}, Options, "x") == {"loose": 7}
    rate = typed({"rate": 1}, Options, "x")["rate"]
    assert rate == 1.0
    assert isinstance(rate, float)
    assert typed({"numbers": [1, 2]}, Options, "x") == {"numbers": (1, 2)}


def test_an_unknown_option_gets_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown option of x 'ratte'; did you mean 'rate'"):
        typed({"ratte": 1}, Options, "x")


class Base:
    name = ""


FILE = """
from tests.test_spec import Base

class Made(Base):
    class Inner(Base):
        pass
"""


@pytest.fixture
def registry():
    return Registry("thing", Base)


def test_a_class_is_found_by_name_and_module(registry):
    class Local(Base):
        pass

    assert registry.register("local")(Local) is Local
    assert registry.find("local") is Local
    assert Local.name == "local"
    assert registry.names() == ["local"]
    assert registry.find("tests.test_spec:Base") is Base
    with pytest.raises(UnknownName, match=r"unknown thing 'locl'; did you mean 'local'"):
        registry.find("locl")
    with pytest.raises(UnknownName, match="thing class in tests"):
        registry.find("tests.test_spec:Options")
    with pytest.raises(UserError, match="cannot import no_such_module"):
        registry.find("no_such_module:X")


def test_finding_does_not_change_a_class(registry, tmp_path):
    path = tmp_path / "made.py"
    path.write_text(FILE)
    made = registry.find(f"{path}:Made")
    assert "name" not in vars(made)
    assert registry.name_of(made) == "Made"
    assert registry.find(f"{path}:Made") is made
    assert registry.find(f"{path}:Made.Inner") is made.Inner
    assert registry.find(registry.spec_of(made)) is made
    assert registry.spec_of(made.Inner) == f"{path.resolve()}:Made.Inner"


def test_a_name_given_first_stays(registry):
    class Two(Base):
        pass

    registry.register("first")(Two)
    registry.register("second")(Two)
    assert Two.name == "first"
    assert registry.find("second") is Two


def test_errors_of_files_are_one_line(registry, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("raise ValueError('two\\nlines')")
    with pytest.raises(UserError, match=r"cannot import .*broken.py: ValueError: two lines"):
        registry.find(f"{path}:X")
    with pytest.raises(UserError, match="no such thing file"):
        registry.find(f"{tmp_path}/none.py:X")
    path.write_text(FILE)
    with pytest.raises(UserError, match=r"name the class .*broken.py:Made"):
        registry.find(str(path))


def test_a_long_name_is_cut_in_messages(registry):
    with pytest.raises(UnknownName) as caught:
        registry.find("x\n" * 100_000)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
