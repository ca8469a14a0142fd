"""`rlskills curriculum list` and `show`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rlskills import cli
from rlskills.curricula import CATALOGUE
from rlskills.curricula.describe import summary


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    cli.main(["curriculum", *words])
    return capsys.readouterr().out


def test_list_names_every_method_and_its_information(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    shown = printed(capsys, "list")
    for name, cls in CATALOGUE.items():
        line = next(line for line in shown.splitlines() if line.startswith(f"{name} "))
        assert cls.information in line
    assert "default: bidirectional_lp" in shown


def test_list_fits_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = printed(capsys, "list")
    assert max(map(len, shown.splitlines())) <= 80
    for name, cls in CATALOGUE.items():
        assert f"\n{name} " in shown
        words = " ".join(shown.split())
        assert summary(cls).split()[-1] in words


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_show_says_how_it_works(name: str, capsys):
    shown = printed(capsys, "show", name)
    assert f"{name} (version {CATALOGUE[name].version})" in shown
    assert f"information beyond outcomes: {CATALOGUE[name].information}" in shown


def test_show_prints_options_needs_and_files(capsys, tmp_path: Path):
    sec = printed(capsys, "show", "sec")
    assert "arXiv 2505.14970" in sec
    assert re.search(r"temperature │ float .*│ 0.2 +│ Of the softmax over arms", sec)
    assert "inner" in printed(capsys, "show", "dapo")
    assert "needs from the trainer: features" in printed(capsys, "show", "gain_rl")
    (tmp_path / "mine.py").write_text(
        'from rlskills.curricula import Base\nclass Mine(Base):\n    """All [alike]."""\n'
    )
    assert "All [alike]." in printed(capsys, "show", f"{tmp_path / 'mine.py'}:Mine")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "secc"), "did you mean 'sec'"),
        (("shwo",), "did you mean 'show'"),
        (("show", "nowhere.py:X"), "no such curriculum file"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], message: str, capsys):
    with pytest.raises(SystemExit) as error:
        cli.main(["curriculum", *words])
    assert error.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
