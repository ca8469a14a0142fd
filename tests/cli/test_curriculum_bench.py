"""`rlskills curriculum bench` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlskills.cli import main

OWN = """
from rlskills.curricula import Uniform

class Teacher(Uniform):
    name = "mine"
"""


def bench(*words: str) -> None:
    main(["curriculum", "bench", *words])


def test_a_teacher_of_ones_own_runs_beside_uniform_oracle_and_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    words = [f"{file}:Teacher", "--regimes", "chain", "--seeds", "2", "--jobs", "1"]
    bench(*words, "--output", str(tmp_path / "out"))
    shown = capsys.readouterr().out
    for word in ("mine.py:Teacher", "uniform", "oracle", "bidirectional_lp", "4 jobs"):
        assert word in shown
    names = {"results.json", "results.csv", "results.md", "speedups.png", "curves.png", "jobs"}
    assert {one.name for one in (tmp_path / "out").iterdir()} == names
    # A copy of uniform draws and learns what uniform does.
    page = (tmp_path / "out" / "results.md").read_text()
    assert "| mine.py:Teacher | none | 1.00 [1.00, 1.00] |" in page
    before = (tmp_path / "out" / "results.json").read_bytes()
    bench(*words, "--output", str(tmp_path / "out"))
    assert (tmp_path / "out" / "results.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing_like_it"], "unknown curriculum 'nothing_like_it'"),
        (["uniform", "--regimes", "chian"], "did you mean 'chain'"),
        (["uniform", "--seeds", "1"], "--seeds must be at least 2"),
        (["uniform", "--jobs", "0"], "--jobs at least 1"),
        (["no_such_file.py:Teacher"], "no_such_file.py"),
        (["uniform?speed=3"], "option"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as caught:
        bench(*words, "--output", str(tmp_path / "out"))
    assert caught.value.code == 2
    shown = capsys.readouterr().err
    assert says in shown
    assert len(shown.splitlines()) == 1
    assert not (tmp_path / "out").exists()
