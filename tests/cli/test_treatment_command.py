"""`rlskills treatment`: what users read, and a file that works as it is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rlskills.cli import entry
from rlskills.training.treatments import TREATMENTS, make_treatment

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_list_names_every_treatment_and_fits(capsys):
    entry.main(["treatment", "list"])
    shown = capsys.readouterr().out
    for name in TREATMENTS.names():
        assert name in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "every step" in shown
    assert "credit" in shown


@pytest.mark.parametrize("name", TREATMENTS.names())
def test_show_has_paper_stages_and_options(name: str, capsys):
    entry.main(["treatment", "show", name])
    shown = capsys.readouterr().out
    assert TREATMENTS.find(name).paper in shown
    assert "stages:" in shown
    assert make_treatment(name).options is not None


def test_the_committed_catalogue_is_that_of_the_code(tmp_path: Path, capsys):
    entry.main(["treatment", "docs", "--output", str(tmp_path / "new/page.md")])
    written = (tmp_path / "new/page.md").read_text()
    assert written == (ROOT / "docs/treatments/catalogue.md").read_text(), "rlskills treatment docs"
    assert all(f"\n## {name}\n" in written for name in TREATMENTS.names())
    assert f" {len(TREATMENTS.names())} ship ([catalogue]" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("name", "said"), [("dco", "yes"), ("half_fine_tuning", "yes"), ("rft", "no")]
)
def test_show_says_who_acts_in_supervised_arms(name: str, said: str, capsys):
    entry.main(["treatment", "show", name])
    assert f"acts in supervised arms: {said}" in capsys.readouterr().out


def test_show_has_defaults(capsys):
    entry.main(["treatment", "show", "step_credit"])
    shown = capsys.readouterr().out
    assert "'myopic'" in shown
    assert "comes first" in shown


def test_new_writes_a_treatment_whose_test_passes(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    entry.main(["treatment", "new", "short_answers"])
    assert len((tmp_path / "short_answers.py").read_text().splitlines()) <= 40
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    capsys.readouterr()
    entry.main(["treatment", "show", "short_answers.py:ShortAnswers"])
    shown = capsys.readouterr().out
    assert "bonus" in shown
    assert "stages: shape" in shown
    with pytest.raises(SystemExit) as end:
        entry.main(["treatment", "new", "short_answers"])
    assert end.value.code == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["treatment", "show", "gpro"], "did you mean 'grpo'"),
        (["treatment", "new", "Short Answers"], "is no name of a Python file"),
        (["treatment", "lst"], "did you mean 'list'"),
        (["treatment", "show", "nowhere.py:Mine"], "no such treatment file"),
    ],
)
def test_mistakes_are_one_line(words: list[str], said: str, capsys):
    with pytest.raises(SystemExit) as end:
        entry.main(words)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
