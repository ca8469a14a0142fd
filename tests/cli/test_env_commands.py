from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from rlskills.cli.env.main import env_cli
from rlskills.environments import load, names
from rlskills.environments.conformance import CHECKS
from rlskills.errors import UserError


def test_list_names_what_ships(capsys):
    env_cli(["list"])
    assert "string_transform" in capsys.readouterr().out


def test_show_prints_levels_prompt_and_solution(capsys):
    env_cli(["show", "string_transform?preset=tiny", "--level", "2"])
    shown = capsys.readouterr().out
    for word in ("splits: train, test", "depth=8", "prompt (user)", "solution", "answer"):
        assert word in shown


def test_sample_as_json_prints_nothing_else(capsys):
    env_cli(["sample", "string_transform?preset=tiny", "--level", "2", "-n", "3", "--json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [sorted(row) for row in rows] == [
        ["answer", "key", "level", "prompt", "skills", "split"]
    ] * 3
    env_cli(["sample", "string_transform", "-n", "0", "--json"])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sample", "string_transform", "--level", "99"], "unknown level"),
        (["sample", "string_transform", "-n", "-1"], "must not be negative"),
        (["sample", "strng_transform"], "did you mean 'string_transform'"),
        (["sample", "string_transform", "--split", "tets"], "did you mean 'test'"),
        (["show", "string_transform?depht=2"], "did you mean 'depth'"),
        (["check"], "name an environment to check, or give --all"),
        (["check", "string_transform", "--junk", "0"], "--junk must be positive"),
        (["shwo"], "did you mean 'show'"),
        (["new", "1task"], "1task"),
        (["new", "class"], "class"),
    ],
)
def test_bad_words_are_one_clear_error(words: list[str], says: str):
    with pytest.raises(UserError) as error:
        env_cli(words)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_words_that_do_not_parse_exit_with_2(capsys):
    with pytest.raises(SystemExit) as error:
        env_cli(["sample", "string_transform", "--level", "two"])
    assert error.value.code == 2


def test_new_environment_passes_its_own_test_and_the_check(tmp_path: Path, capsys):
    env_cli(["new", "my_sums", "--folder", str(tmp_path)])
    said = capsys.readouterr().out
    assert "rlskills env check" in said
    assert "rlskills run grpo" in said
    source = (tmp_path / "my_sums.py").read_text()
    assert len(source.splitlines()) <= 25
    command = [sys.executable, "-m", "pytest", "-q", str(tmp_path / "test_my_sums.py")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    env_cli(["check", f"{tmp_path}/my_sums.py:MySums", "--junk", "20", "--draws", "50"])
    with pytest.raises(UserError, match=r"my_sums\.py"):
        env_cli(["new", "my_sums", "--folder", str(tmp_path)])
    assert (tmp_path / "my_sums.py").read_text() == source


def test_a_new_package_installs_and_is_found_by_name(tmp_path: Path, capsys):
    env_cli(["new", "word_sums", "--folder", str(tmp_path), "--package"])
    assert "pip install" in capsys.readouterr().out
    project = tmp_path / "word_sums"
    assert {file.relative_to(project).as_posix() for file in project.rglob("*.*")} == {
        "pyproject.toml", "README.md", "word_sums/__init__.py", "word_sums/environment.py",
        "tests/test_word_sums.py",
    }  # fmt: skip
    site = tmp_path / "site"
    _install(project, site)
    assert "word_sums" in _run("rlskills", "env", "list", site=site)
    assert '"skills": ["add"]' in _run(
        "rlskills", "env", "sample", "word_sums", "--json", site=site
    )
    assert "2 passed" in _run("pytest", "-q", str(project / "tests"), site=site)
    with pytest.raises(UserError, match="exists already; nothing was written"):
        env_cli(["new", "word_sums", "--folder", str(tmp_path), "--package"])


def _install(project: Path, site: Path) -> None:
    """Build and install with what the project file asks for, where that is at hand."""
    if find_spec("hatchling"):
        _run("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index",
             "--disable-pip-version-check", f"--target={site}", str(project))  # fmt: skip
        return
    about = tomllib.loads((project / "pyproject.toml").read_text())
    for package in about["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        shutil.copytree(project / package, site / package)
    name, version = about["project"]["name"], about["project"]["version"]
    metadata = site / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {what}\n" for name, what in entries.items())
        for group, entries in about["project"]["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("".join(lines))


def _run(module: str, *words: str, site: Path | None = None) -> str:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(site or ""), *sys.path]))
    }
    done = subprocess.run(
        [sys.executable, "-m", module, *words], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_failed_check_exits_with_1_and_shows_the_task(tmp_path: Path, capsys):
    file = tmp_path / "lax.py"
    file.write_text(
        "from rlskills.environments import Draft, Environment\n\n\n"
        "class Lax(Environment):\n"
        "    def make(self, rng, cfg):\n"
        "        return Draft(prompt=str(rng.random()), answer='1')\n\n"
        "    def verify(self, task, answer):\n"
        "        return True\n"
    )
    with pytest.raises(SystemExit) as error:
        env_cli(["check", f"{file}:Lax", "--junk", "20", "--draws", "50"])
    assert error.value.code == 1
    shown = capsys.readouterr().out
    assert "failure, junk" in shown
    assert '"prompt"' in shown


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["show", "lego"],
        ["show", "string_transform?preset=clean&holdout_pairs=40"],
        ["check", "countdown", "--junk", "20", "--draws", "50"],
        ["bench", "lego", "--seconds", "0.001"],
    ],
    ids=lambda words: words[0],
)
def test_tables_fit_80_columns_and_cut_nothing(words: list[str], monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    env_cli(words)
    out = capsys.readouterr().out
    table = out.partition("train, level 1, number 0")[0]  # tasks are printed as they are
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table
    if words[0] == "list":
        flat = " ".join(table.split())
        for name in names():
            for word in [name, *load(name).describe()["summary"].split()]:
                assert word in flat
    if words[0] == "check":
        assert all(name in table for name in CHECKS)


def test_a_broken_environment_hides_no_other(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")

    def broken(name):
        if name == "lego":
            raise UserError("cannot import environment lego: " + "x" * 100)
        return load(name)

    monkeypatch.setattr("rlskills.cli.env.main.load", broken)
    env_cli(["list"])
    out = capsys.readouterr().out
    assert "countdown" in out
    assert "cannot import" in out
    assert max(map(len, out.splitlines())) <= 80
