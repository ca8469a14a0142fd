"""Where a killed arm goes on: at a whole checkpoint that its record reaches."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlskills.experiments.progress import progress_of
from rlskills.runs.folder import RunFolder
from rlskills.training.checkpoint import publish


def lines(*steps: int) -> str:
    return "".join(json.dumps({"step": s, "time": s / 7, "metrics": {"a": 0.1}}) + "\n"
                   for s in steps)  # fmt: skip


def killed(folder: Path, copies: bool = True) -> RunFolder:
    """A run with checkpoints 3 and 6, killed behind step 7."""
    run = RunFolder.open(folder, arm="grpo", config={})
    for step in (3, 6):
        staged = run.checkpoints / ".staged" / f"checkpoint-{step}"
        staged.mkdir(parents=True)
        for name in ("model.safetensors", "optimizer.pt", "trainer_state.json", "rlskills.json"):
            (staged / name).write_text("{}")
        if copies:
            (staged / "metrics.jsonl").write_text(lines(*range(step + 1)))
        publish(staged, run.checkpoints / f"checkpoint-{step}", 2)
    (run.checkpoints / ".staged").mkdir(exist_ok=True)
    (folder / "metrics.jsonl").write_text(lines(*range(8)))
    return run


def found(run: RunFolder) -> tuple[int, list[str]]:
    said: list[str] = []
    done = progress_of(run, said.append)
    assert not (run.checkpoints / ".staged").exists()
    return done.last_step, said


@pytest.mark.parametrize("copies", [True, False])
def test_a_whole_record_goes_on_from_the_newest_without_a_word(tmp_path: Path, copies: bool):
    run = killed(tmp_path, copies)
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 8, "\xff')
    assert found(run) == (6, [])


HARMS: list[tuple[Callable[[Path], Any], int]] = [
    (lambda file: file.write_text(lines(0, 1, 2, 3, 4, 6, 7)), 3),
    (lambda file: file.write_text(lines(0, 1, 2, 3)), 3),
    (lambda file: file.write_text(lines(0, 1, 2, 3) + "garbage\n" + lines(5, 6, 7)), 3),
    (lambda file: file.write_text(lines(0, 1, 2, 2, 3, 4, 5, 6)), -1),
    (lambda file: file.write_text(lines(0, 1)), -1),
    (lambda file: file.write_text('{"step": 0}\n' + lines(1, 2, 3, 4, 5, 6)), -1),
    (lambda file: file.write_bytes(b"\0" * 99), -1),
    (Path.unlink, -1),
]


@pytest.mark.parametrize(("harm", "before"), HARMS)
def test_a_gap_is_filled_from_the_checkpoint_else_an_older_one_is_used(
    harm: Callable[[Path], Any], before: int, tmp_path: Path
):
    run = killed(tmp_path / "now")
    harm(run.path / "metrics.jsonl")
    step, said = found(run)
    assert (step, len(said)) == (6, 1)
    assert said[0].endswith(": put back from checkpoint-6")
    assert (run.path / "metrics.jsonl").read_text() == lines(*range(7))
    assert found(run) == (6, [])
    old = killed(tmp_path / "old", copies=False)
    harm(old.path / "metrics.jsonl")
    step, said = found(old)
    assert step == before
    assert "checkpoint-6 has no copy of it: going on from what is before it" in said[0]
    assert len(said) == (1 if before == 3 else 2)
    assert found(old) == (before, [])


def test_a_changed_record_is_put_back(tmp_path: Path):
    run = killed(tmp_path)
    file = run.path / "metrics.jsonl"
    file.write_text(file.read_text().replace("0.1", "0.3", 1))
    assert found(run)[1] == [
        f"{file} has changed since checkpoint-6 was written: put back from checkpoint-6"
    ]


def test_a_damaged_checkpoint_is_not_asked(tmp_path: Path):
    run = killed(tmp_path)
    (run.checkpoints / "checkpoint-6/metrics.jsonl").write_text("{}")
    with pytest.warns(UserWarning, match="metrics.jsonl has changed since it was written"):
        assert found(run) == (3, [])
    shutil.rmtree(run.checkpoints)
    (run.path / "metrics.jsonl").write_text("garbage")
    assert found(run) == (-1, [])
