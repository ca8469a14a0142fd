"""Finding methods by name and file, their options, and the page that describes them."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from rlskills.cli.curriculum.main import as_markdown, rows
from rlskills.curricula import CATALOGUE, DEFAULT, Choice, Outcome, make
from rlskills.errors import UnknownName, UserError

from .life import POOL, UNITS, build, example

DOCS = Path(__file__).parents[2] / "docs" / "curricula.md"


def test_options_in_the_name_and_as_arguments_are_the_same():
    one = make("sec?rate=0.3&arms=unit", POOL, seed=1)
    two = make("sec", POOL, seed=1, rate=0.3, arms="unit")
    assert one.options == two.options == {"rate": 0.3, "temperature": 0.2, "arms": "unit"}
    two.load_state_dict(one.state_dict())


def test_the_default_has_a_name():
    assert type(make("default", UNITS)) is CATALOGUE[DEFAULT]
    assert make("default?floor=0.3", UNITS).options["floor"] == 0.3


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("secc", "unknown curriculum 'secc'; did you mean 'sec'"),
        ("sec?rat=1", "unknown option of sec 'rat'; did you mean 'rate'"),
        ("sec?rate=fast", "sec: option rate='fast' is not of type float"),
        ("sec?rate=nan", "sec: option rate=nan is not finite"),
        ("sec?rate=2", "rate must lie between 0 and 1, but is 2.0"),
        ("sec?arms=levle", "did you mean 'level'"),
        ("alp_windows?window=2.5", "not of type int"),
        ("alp_windows?window=0", "window must be positive"),
        ("e2h_cosine?total_steps=0", "total_steps must be positive"),
        ("mixture?weights=abc", "not of type"),
        ("nowhere.py:X", "no such curriculum file: nowhere.py"),
    ],
)
def test_wrong_names_and_options_are_one_clear_line(spec: str, message: str):
    with pytest.raises(UserError) as error:
        make(spec, POOL)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"rate": "0.5"}, "not of type float"), ({"rate": True}, "float"), ({"arms": 3}, "str")],
)
def test_wrong_types_of_arguments(options: dict, message: str):
    with pytest.raises(UserError, match=message):
        make("sec", POOL, **options)


def test_a_file_that_is_wrong(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text("from rlskills.curricula import Base\nclass Mine(Base):\n    pass\nx = 1\n")
    assert make(f"{file}:Mine", UNITS).name == "Mine"
    with pytest.raises(UserError, match=r"name the class in .*:Mine"):
        make(str(file), UNITS)
    for wrong in ("Nine", "x", "Base2"):
        with pytest.raises(UnknownName, match="curriculum class"):
            make(f"{file}:{wrong}", UNITS)
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(UserError, match=r"cannot import .*nothing_of_that_name"):
        make(f"{tmp_path / 'broken.py'}:Mine", UNITS)


def test_options_without_types_have_those_of_their_defaults(tmp_path: Path):
    file = tmp_path / "untyped.py"
    file.write_text(
        "from rlskills.curricula import Base\n"
        "class A(Base):\n"
        "    def __init__(self, pool, seed=0, speed=0.5, deep: int | None = None):\n"
        "        super().__init__(pool, seed)\n"
        "class B(Base):\n"
        "    def __init__(self, pool):\n"
        "        super().__init__(pool)\n"
    )
    one = make(f"{file}:A?speed=2", UNITS, deep=3)
    assert one.options == {"speed": 2.0, "deep": 3}
    with pytest.raises(UserError, match="not of type float"):
        make(f"{file}:A?speed=fast", UNITS)
    with pytest.raises(UserError, match="must take pool, seed"):
        make(f"{file}:B", UNITS)


def test_every_method_says_what_it_is():
    for name, family, information, summary, paper in rows():
        one = build(name)
        assert one.name == name
        assert summary
        assert "\n" not in summary
        assert family != "own"
        assert information == one.information
        if family != "control":
            assert paper, name


def test_the_page_lists_the_catalogue():
    assert DOCS.read_text().endswith(f"\n\n{as_markdown()}\n")


def test_the_page_s_examples_run():
    scope: dict = {}
    usage = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)[0]
    exec(usage, scope)
    assert scope["teacher"].step == 100
    assert make(f"{example()}?speed=0.5", POOL).options["speed"] == 0.5


def test_what_is_logged_of_a_teacher():
    one = make("bidirectional_lp?rate=0.5&theta=0.5", POOL)
    rates = {"a": (1.0, 0.0, 0.0, 0.0), "ab": (1.0,) + 7 * (0.0,)}
    one.observe([Outcome(Choice(unit), rewards, 1) for unit, rewards in rates.items()])
    told, chances = one.metrics(), one.probabilities()
    assert told["probability/ab"] == chances["ab"]
    assert told["probability/level/1"] == pytest.approx(sum(chances[unit] for unit in "abc"))
    of_a = chances["a"] + chances["ab"] + chances["abc"]
    assert told["probability/skill/a"] == pytest.approx(of_a)
    assert told["competence"] == pytest.approx((0.125 + 0.0625) / 7)
    assert told["competence/level/1"] == pytest.approx(0.125 / 3)
    assert told["learning_progress/skill/a"] == pytest.approx((0.0625 + 0.03125) / 3)
    assert told["effective_units"] == pytest.approx(math.exp(told["entropy"]))
    many = make("uniform", [f"u{i}" for i in range(100)]).metrics()
    assert many["effective_units"] == pytest.approx(100)
    assert not any(name.startswith("probability") for name in many)
