"""Run folders as a report reads them: what is damaged, lost or left out is said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.report.reading import load_runs
from rlskills.runs.sealing import digests

PLACE = ("train", 3)


def damage(folder: Any, file: str, text: str) -> None:
    (folder / file).write_text(text, "latin-1")


def seal(folder: Path) -> None:
    manifest = json.loads((folder / "run.json").read_text())
    manifest["sealed"] = digests(folder, ["evaluation.json", "metrics.jsonl"])
    (folder / "run.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("file", ["evaluation.json", "metrics.jsonl"])
def test_what_a_complete_run_ended_with_is_what_is_read(folders: Any, file: str) -> None:
    curve = folders.curve("train/loss", [3.0, 2.0])
    folder = folders.write("grpo", 0, {PLACE: folders.solved(0.5, 4, 2)}, curve)
    seal(folder)
    assert len(load_runs([folder])) == 1
    text = (folder / file).read_text()
    (folder / file).write_text(text.replace("2", "1"))
    with pytest.raises(UserError, match=f"{folder / file} has changed since it was written; the c"):
        load_runs([folder])


def test_what_a_complete_run_lost_is_noted(folders: Any) -> None:
    folders.write("base", 0, {PLACE: folders.solved(0.5, 4)})
    folder = folders.write("grpo", 0, {PLACE: folders.solved(0.5, 4)})
    seal(folder)
    (folder / "metrics.jsonl").unlink()
    notes: list[str] = []
    load_runs([folders.root], notes)
    assert notes == [f"{folder}/metrics.jsonl is missing: curves are not whole"]
    (folder / "evaluation.json").unlink()
    load_runs([folders.root], notes)
    assert "has lost its evaluation.json, which the command" in notes[1]


def test_a_file_or_folder_that_cannot_be_read_is_one_line_or_a_note(
    folders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folders.write("grpo", 0, {PLACE: folders.solved(0.5, 4)})
    (folders.root / "locked").mkdir()
    scan = os.scandir

    def refused(path: Any) -> Any:
        if str(path).endswith("locked"):  # the tests' user may be one whom no permission binds
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    notes: list[str] = []
    assert len(load_runs([folders.root], notes)) == 1
    text = f"cannot list {folders.root}/locked: permission denied"
    assert notes == [f"{text}; runs in it are left out"]
    with pytest.raises(UserError, match=text):
        load_runs([folders.root])
    for name in ("metrics.jsonl", "evaluation.json"):
        (folder / name).unlink()
        (folder / name).mkdir()
        with pytest.raises(UserError, match=f"cannot read {folder / name}: is a directory"):
            load_runs([folder])


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("run.json", "{", "cannot read"),
        ("run.json", "[]", "not a JSON object"),
        ("run.json", '{"arm": "grpo"}', "it has no 'seed'"),
        ("evaluation.json", "{}", "it has no 'eval_sets'"),
        (
            "evaluation.json",
            '{"eval_sets": [{"group": "a", "level": 1, "tasks": []}]}',
            "needs tasks",
        ),
        ("metrics.jsonl", 'garbage\n{"step": 1}\n', "line 1"),
        ("metrics.jsonl", '{"step": 1, "metrics": 3}\n', "cannot understand"),
        ("metrics.jsonl", '\xff\n{"step": 1}\n', "line 1"),
        ("run.json", "\xff", "cannot read"),
        ("run.json", "[" * 10**5, "nested too deeply"),
        ("run.json", '{"arm": "grpo", "seed": Infinity}', "cannot understand"),
        ("evaluation.json", "[" * 10**5, "nested too deeply"),
        ("evaluation.json", '{"eval_sets": [{"group": "a", "level": 1, "tasks": [3]}]}', "'int'"),
    ],
)
def test_a_damaged_file_is_one_clear_line(folders: Any, file: str, text: str, message: str) -> None:
    folder = folders.write("grpo", 0, {PLACE: folders.solved(0.5, 4)})
    damage(folder, file, text)
    with pytest.raises(UserError, match=message) as caught:
        load_runs([folder])
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_torn_last_line_and_values_that_are_not_finite_are_passed_over(folders: Any) -> None:
    folder = folders.write("grpo", 0, {PLACE: folders.solved(0.5, 4)})
    damage(folder, "metrics.jsonl", '{"step": 1, "metrics": {"a": NaN, "b": 2}}\n{"step": 2, "me')
    (run,) = load_runs([folder])
    assert [(r.step, r.metrics) for r in run.records] == [(1, {"b": 2.0})]


def test_a_missing_folder_and_one_without_runs_are_user_errors(tmp_path: Any) -> None:
    with pytest.raises(UserError, match="no such folder"):
        load_runs([tmp_path / "nowhere"])
    with pytest.raises(UserError, match=r"no run\.json in it or below it"):
        load_runs([tmp_path])


def test_problems_whose_grading_failed_are_left_out_of_every_run(folders):
    rows = [(True, 0, 0)] * 3 + [(False, 0, 0)]
    one = folders.write("one", 0, {("all", 1): rows, ("all", 2): rows})
    folders.write("two", 0, {("all", 1): rows, ("all", 2): rows})
    evaluation = json.loads((one / "evaluation.json").read_text())
    for task in evaluation["eval_sets"][0]["tasks"][2:]:
        task |= {"greedy": False, "status": "grader_timeout"}
    for task in evaluation["eval_sets"][1]["tasks"]:
        task |= {"greedy": False, "status": "grader_error"}
    (one / "evaluation.json").write_text(json.dumps(evaluation))
    notes: list[str] = []
    for run in load_runs([folders.root], notes):
        assert run.eval_sets["all", 1].greedy == (True, True)
        assert ("all", 2) not in run.eval_sets
    assert notes[0].startswith("2 of 4 problems of all level 1 are left out")
    assert notes[1].startswith("4 of 4 problems of all level 2 are left out")
