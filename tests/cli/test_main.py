from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rlskills.cli import entry as cli
from rlskills.runs.folder import RunFolder


def fails(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run the command; it must exit 2 with one line on standard error, which is returned."""
    with pytest.raises(SystemExit) as error:
        cli.main(words)
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("rlskills: ")
    assert printed.count("\n") == 1, printed
    return printed


def test_help_names_every_command(capsys):
    cli.main(["--help"])
    shown = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert command in shown


@pytest.mark.parametrize("command", ["env", "eval", "compare", "report", "plan", "doctor"])
def test_every_command_has_help(command: str, capsys):
    with pytest.raises(SystemExit) as error:
        cli.main([command, "--help"])
    assert not error.value.code
    assert "usage" in capsys.readouterr().out.lower()


def test_run_lists_recipes_with_what_they_do(capsys):
    cli.main(["run"])
    shown = capsys.readouterr().out
    for name in ("ablations", "curricula", "environments", "grpo", "quickstart", "rft", "sft"):
        assert re.search(rf"^  {name} +\S", shown, re.MULTILINE), name
    assert max(map(len, shown.splitlines())) <= 80


def test_help_fits_a_terminal(capsys):
    cli.main(["--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_wrong_names_get_the_nearest_one(capsys, tmp_path: Path):
    assert "did you mean 'compare'" in fails(capsys, "compar")
    assert "did you mean 'quickstart'" in fails(capsys, "run", "quikstart")
    assert "no such recipe" in fails(capsys, "run", str(tmp_path / "mine.py"))
    wrong = fails(capsys, "env", "show", "string_transfrom")
    assert "did you mean 'string_transform'" in wrong
    assert "unknown level" in fails(capsys, "env", "sample", "string_transform", "--level", "12")
    split = fails(capsys, "env", "sample", "string_transform", "--split", "tset")
    assert "did you mean 'test'" in split
    assert "no run in" in fails(capsys, "compare", str(tmp_path))
    assert "no run in" in fails(capsys, "report", str(tmp_path))


def test_bad_evaluations_are_one_line(capsys, small_model: Path):
    asked = ("--env", "string_transform?preset=tiny", "--levels", "1", "--tasks", "2")
    assert "no such model folder" in fails(capsys, "eval", "./nowhere", *asked)
    assert "cannot load model" in fails(capsys, "eval", "nowhere", *asked)
    long = fails(capsys, "eval", str(small_model), *asked, "--max-new-tokens", "5000")
    assert "does not fit the model's 256 positions" in long
    wrong = ("--env", "string_transform?preset=tny")
    assert "did you mean 'tiny'" in fails(capsys, "eval", str(small_model), *wrong)


def test_eval_prints_levels_and_skills(capsys, small_model: Path, tmp_path: Path):
    cli.main([
        "eval", str(small_model), "--env", "string_transform?preset=tiny&functions=train",
        "--levels", "1", "2", "--tasks", "6", "--samples", "2", "--max-new-tokens", "8",
        "--by-skill", "--output", str(tmp_path / "out.json"),
    ])  # fmt: skip
    shown = capsys.readouterr().out
    assert "pass@2" in shown
    assert "skill" in shown
    saved = json.loads((tmp_path / "out.json").read_text())
    assert [eval_set["level"] for eval_set in saved["eval_sets"]] == [1, 2]
    assert all(len(eval_set["tasks"]) == 6 for eval_set in saved["eval_sets"])


def test_sample_prints_one_json_object_a_line():
    words = ["env", "sample", "string_transform", "--level", "2", "-n", "3", "--split", "test"]
    out = subprocess.run(
        [sys.executable, "-m", "rlskills", *words, "--json"],
        capture_output=True, text=True, check=True, env=os.environ | paths(),
    )  # fmt: skip
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    assert len(rows) == 3
    for row in rows:
        assert {"prompt", "answer", "level", "skills", "split", "key"} <= set(row)
        assert (row["level"], row["split"]) == (2, "test")


def test_a_run_made_with_another_configuration_is_refused(capsys, tmp_path: Path):
    RunFolder.open(tmp_path / "seed0" / "base", arm="base", config={"eval_sets": 1})
    error = fails(capsys, "run", "quickstart", "--output", str(tmp_path), "--eval-tasks", "2")
    assert "another configuration" in error
    assert "choose another --output" in error


def paths() -> dict[str, str]:
    root = Path(cli.__file__).parents[2]
    return {"PYTHONPATH": f"{root}:{root / 'envs'}"}
