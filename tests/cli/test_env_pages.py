"""`rlskills env bench` measures, and the pages about environments are up to date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlskills.cli.env.docs import MEASURED, pages
from rlskills.cli.env.main import env_cli
from rlskills.environments import names
from rlskills.errors import UserError

FOLDER = Path(__file__).parents[2] / "docs" / "environments"


def shipped() -> tuple[str, ...]:
    """What this project registers; other installed packages may register more."""
    import tomllib

    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text())["project"]
    return tuple(sorted(project["entry-points"]["rlskills.environments"]))


def test_pages_are_what_the_environments_say():
    for name, text in pages(shipped(), FOLDER / MEASURED).items():
        file = FOLDER / f"{name}.md"
        assert file.is_file(), f"run `rlskills env docs`: there is no {file.name}"
        assert file.read_text(encoding="utf-8") == text, f"run `rlskills env docs`: {file.name}"
    assert set(shipped()) <= set(names())


def test_every_shipped_environment_was_measured():
    measured = json.loads((FOLDER / MEASURED).read_text())["environments"]
    assert set(shipped()) <= set(measured)


def test_docs_are_written_where_they_are_wanted(tmp_path: Path, capsys):
    env_cli(["docs", "countdown", "--output", str(tmp_path)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["countdown.md", "index.md"]
    text = (tmp_path / "countdown.md").read_text()
    for part in ("## A problem of level 1", "## Levels and splits", "## Options", "| `preset` |"):
        assert part in text
    assert "## Speed" not in text  # nothing was measured there


def test_bench_prints_and_writes_what_it_measured(tmp_path: Path, capsys):
    output = tmp_path / "measured.json"
    env_cli(["bench", "countdown", "--seconds", "0.001", "--output", str(output)])
    shown = capsys.readouterr().out
    assert "memory of this process" in shown
    found = json.loads(output.read_text())["environments"]["countdown"]
    assert {(one["split"], one["level"]) for one in found} >= {("train", 1), ("test", 2)}
    assert all(one["drawn_per_s"] > 0 and one["right_per_s"] > 0 for one in found)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["bench"], "name an environment to measure"),
        (["bench", "countdown", "--seconds", "0"], "must be positive"),
        (["bench", "cuntdown"], "did you mean 'countdown'"),
        (["docs", "cuntdown"], "did you mean 'countdown'"),
        (["check", "vf:*"], "cannot list its names"),
        (["check", "xy:*"], "unknown adapter 'xy'"),
    ],
)
def test_wrong_words_are_one_clear_error(words: list[str], says: str):
    with pytest.raises(UserError, match=says):
        env_cli(words)


def test_a_prefix_and_a_star_stand_for_all_that_an_adapter_has():
    pytest.importorskip("reasoning_gym", reason="the extra `rg` is not installed")
    from rlskills.environments.registry import members

    found = members("rg")
    assert "rg:chain_sum" in found
    assert "rg:codeio" not in found
