"""An evaluation in parts: on one process or two, killed in between, gone on with elsewhere."""

from __future__ import annotations

import json
import os
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rlskills.cli import entry as cli
from rlskills.environments import digest
from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.settings import EvalConfig
from rlskills.experiments import eval_parts
from rlskills.experiments.eval_parts import PartFolder, parts_of

from ..training.shared import run_shared
from ..training.small import Bits

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
WORDS = ["--env", f"{ROOT / 'tests/training/small.py'}:Bits", "--levels", "1", "2", "--tasks", "24"]
WORDS += ["--max-new-tokens", "4", "--machine.threads", "1", "--machine.attention", "eager"]
SAMPLES = 300
"""Parts of 1,024 completions have three tasks each then."""


def test_parts_hold_every_task_once():
    eval_sets = make_eval_sets({"bits": Bits()}, (1, 2), 12)
    parts = parts_of(eval_sets, EvalConfig(4, SAMPLES))
    assert [(part.which, part.start) for part in parts] == [
        (which, start) for which in (0, 1) for start in (0, 3, 6, 9)
    ]
    assert [t for part in parts for t in part.asked.tasks] == [
        t for each in eval_sets for t in each.tasks
    ]
    assert len(parts_of(eval_sets, EvalConfig(4))) == 2
    assert len(parts_of(eval_sets, EvalConfig(4, 10**6))) == 24


def test_a_torn_part_is_answered_again_and_other_questions_are_refused(tmp_path: Path):
    (part, *_) = parts_of(make_eval_sets({"bits": Bits()}, (1,), 3), EvalConfig(4))
    folder = PartFolder(tmp_path / "out.json", {"model": "a"})
    folder.begin()
    outcomes: list[dict[str, Any]] = [{"key": task.key} for task in part.asked.tasks]
    folder.write(part, outcomes)
    assert PartFolder(tmp_path / "out.json", {"model": "a"}).read(part) == outcomes
    (file,) = (path for path in folder.path.iterdir() if path.name == part.file)
    text = file.read_text()
    fewer = json.dumps({"digest": digest(outcomes[:2]), "tasks": outcomes[:2]})
    for torn in ("", "[", "{}", "[1]", json.dumps(outcomes), fewer, text.replace('"key"', '"kez"'),
                 "\xff", "[" * 10**5):  # fmt: skip
        file.write_text(torn, "latin-1")
        assert folder.read(part) is None
    folder.write(part, outcomes)
    (folder.path / "about.json").write_text("{")
    unknown = PartFolder(tmp_path / "out.json", {"model": "a"})
    assert unknown.read(part) is None, "nobody knows what evaluation it is of"
    unknown.begin()
    assert unknown.read(part) is None
    folder.write(part, outcomes)
    assert PartFolder(tmp_path / "out.json", {"model": "a"}).read(part) == outcomes
    with pytest.raises(UserError, match="another evaluation \\(model: a there, b now\\)"):
        PartFolder(tmp_path / "out.json", {"model": "b"})


def words(model: Path, output: Path) -> list[str]:
    return ["eval", str(model), *WORDS, "--samples", str(SAMPLES), "--output", str(output)]


def test_two_processes_go_on_where_one_was_stopped_and_end_alike(
    half_trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    cli.main(words(half_trained, one))
    alone = capsys.readouterr()
    assert alone.err.count("\n") == 1
    assert "evaluating: 48/48" in alone.err
    asked, answer = [], eval_parts._answer

    def stopped(loaded: Any, part: Any, *more: Any) -> Any:
        if len(asked) == 5:
            raise KeyboardInterrupt
        asked.append(part.file)
        return answer(loaded, part, *more)

    monkeypatch.setattr(eval_parts, "_answer", stopped)
    with pytest.raises(SystemExit):
        cli.main(words(half_trained, two))
    parts = tmp_path / "two.json.parts"
    first = {name: (parts / name).stat().st_mtime_ns for name in asked}
    assert len(list(parts.iterdir())) == 6
    run_shared(partial(evaluate_noting, words(half_trained, two), tmp_path), processes=2)
    assert json.loads(two.read_text())["eval_sets"] == json.loads(one.read_text())["eval_sets"]
    printed = [(tmp_path / f"printed{rank}").read_text() for rank in (0, 1)]
    assert printed == [alone.out, ""]  # one table, though there are two processes
    assert not parts.exists()
    shares = [(tmp_path / f"rank{rank}").read_text().split() for rank in (0, 1)]
    assert min(map(len, shares)) >= 5
    assert len({*shares[0], *shares[1], *first}) == len([*shares[0], *shares[1], *first]) == 16


def evaluate_noting(words: list[str], folder: Path) -> None:
    """The command, which also writes down which parts this process has answered."""
    answer, rank = eval_parts._answer, os.environ["RANK"]

    def noted(loaded: Any, part: Any, *more: Any) -> Any:
        with (folder / f"rank{rank}").open("a") as file:
            file.write(part.file + "\n")
        return answer(loaded, part, *more)

    eval_parts._answer = noted
    with (folder / f"printed{rank}").open("w") as file, redirect_stdout(file):
        cli.main(words)
