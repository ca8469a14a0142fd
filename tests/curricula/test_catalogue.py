"""Finding methods by name and file, their options, and the page that describes them."""

from __future__ import annotations

import math
import re
from dataclasses import field, make_dataclass
from pathlib import Path

import pytest

from rlskills.cli.curriculum.main import as_markdown, rows
from rlskills.curricula import CATALOGUE, DEFAULT, Base, Choice, Outcome, Pool, make
from rlskills.curricula.describe import option_help
from rlskills.curricula.methods import sec
from rlskills.curricula.methods.sec import SEC
from rlskills.errors import UnknownName, UserError

from .life import POOL, UNITS, build, example

DOCS = Path(__file__).parents[2] / "docs" / "curricula.md"


def test_options_in_the_name_and_as_arguments_are_the_same():
    teacher = make("sec?rate=0.3&arms=unit", POOL, seed=1)
    two = make("sec", POOL, seed=1, rate=0.3, arms="unit")
    assert teacher.settings() == two.settings() == {"rate": 0.3, "temperature": 0.2, "arms": "unit"}
    assert teacher.options == two.options == SEC.Options(rate=0.3, arms="unit")
    assert str(teacher.spec) == str(two.spec) == "sec?rate=0.3&arms=unit"
    two.load_state_dict(teacher.state_dict())


def test_the_default_has_a_name():
    assert type(make("default", UNITS)) is CATALOGUE[DEFAULT]
    assert make("default?floor=0.3", UNITS).options.floor == 0.3


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("secc", "unknown curriculum 'secc'; did you mean 'sec'"),
        ("sec?rat=1", "unknown option of sec 'rat'; did you mean 'rate'"),
        ("sec?rate=fast", "sec: option rate='fast' is not of type float"),
        ("sec?rate=nan", "sec: option rate='nan' is not of type float"),
        ("sec?rate=2", "rate must lie between 0 and 1, but is 2.0"),
        ("sec?arms=levle", "arms='levle' is not of type 'unit' | 'level' | 'skills' | 'all'"),
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
    [({"rate": "fast"}, "not of type float"), ({"rate": True}, "float"), ({"arms": 3}, "'level'")],
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


OUTSIDE = """
from dataclasses import dataclass
from rlskills.curricula import Base, fraction

class A(Base):
    @dataclass(frozen=True)
    class Options(Base.Options):
        speed: float = fraction(0.5)
        deep: int | None = None
"""


def test_options_of_a_class_outside_the_package(tmp_path: Path):
    file = tmp_path / "outside.py"
    file.write_text(OUTSIDE)
    teacher = make(f"{file}:A?speed=1", UNITS, deep=3)
    assert teacher.settings() == {"speed": 1.0, "deep": 3}
    assert str(teacher.spec) == f"{file}:A?speed=1.0&deep=3"
    assert make(str(teacher.spec), UNITS).settings() == teacher.settings()
    with pytest.raises(UserError, match="not of type float"):
        make(f"{file}:A?speed=fast", UNITS)
    with pytest.raises(UserError, match="speed must lie between 0 and 1, but is 2"):
        make(f"{file}:A?speed=2", UNITS)


def test_a_change_of_options_is_another_curriculum():
    teacher = make("level_window_down?down=0.2", POOL)
    assert teacher.over(POOL).settings() == teacher.settings()
    with pytest.raises(UserError, match="has options"):
        make("level_window_down", POOL).load_state_dict(teacher.state_dict())


def test_every_option_of_the_catalogue_says_what_it_sets():
    for name, cls in CATALOGUE.items():
        for option in option_help(cls):
            assert option.about.endswith("."), (name, option)


def test_a_curriculum_fits_into_forty_lines():
    """Without its documentation: what has to be written to add a method."""
    lines = Path(sec.__file__).read_text().split("class SEC")[1].splitlines()
    assert len(lines) <= 45


def test_every_method_says_what_it_is():
    for name, family, information, summary, paper in rows():
        teacher = build(name)
        assert teacher.name == name
        assert summary
        assert "\n" not in summary
        assert family != "own"
        assert information == teacher.information
        if family != "control":
            assert paper, name


def test_the_page_lists_the_catalogue():
    assert DOCS.read_text().endswith(f"\n\n{as_markdown()}\n")


def test_an_option_cannot_take_the_name_of_what_every_method_gets():
    for name in ("pool", "seed", "inner"):
        options = make_dataclass(
            "Options", [(name, int, field(default=1))], bases=(Base.Options,), frozen=True
        )
        with pytest.raises(UserError, match=f"A: an option cannot be called '{name}'"):
            type("A", (Base,), {"Options": options})


def test_the_page_s_examples_run():
    scope: dict = {}
    usage, units, _ = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    exec(usage, scope)
    exec(units, {})
    assert scope["teacher"].step == 100
    assert make(f"{example()}?speed=0.5", POOL).options.speed == 0.5


def test_what_is_logged_of_a_teacher():
    teacher = make("bidirectional_lp?rate=0.5&theta=0.5", POOL)
    rates = {"a": (1.0, 0.0, 0.0, 0.0), "ab": (1.0,) + 7 * (0.0,)}
    teacher.observe([Outcome(Choice(unit), rewards, 1) for unit, rewards in rates.items()])
    logged = teacher.metrics()
    assert logged["competence"] == pytest.approx((0.125 + 0.0625) / 7)
    assert logged["competence/level/1"] == pytest.approx(0.125 / 3)
    assert logged["learning_progress/skill/a"] == pytest.approx((0.0625 + 0.03125) / 3)
    assert logged["effective_units"] == pytest.approx(math.exp(logged["entropy"]))
    assert logged["largest_probability"] == max(teacher.probabilities().values())
    many = make("uniform", [f"u{i}" for i in range(100)]).metrics()
    assert many["effective_units"] == pytest.approx(100)


def test_of_many_skills_only_the_range_is_logged():
    units = [f"u{i}" for i in range(20)]
    pool = Pool(tuple(units), skills={unit: (f"s{i}",) for i, unit in enumerate(units)})
    teacher = make("mopps", pool)
    teacher.observe([Outcome(Choice("u0"), (1.0,) * 8, 1), Outcome(Choice("u1"), (0.0,) * 8, 1)])
    logged = teacher.metrics()
    assert logged["competence/skill/highest"] == 0.9
    assert logged["competence/skill/lowest"] == 0.1
    assert not any("s7" in name for name in logged)
