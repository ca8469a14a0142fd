"""A run whose numbers stop being numbers is a failure that says so, not a result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlskills.cli import entry as cli
from rlskills.report.comparison import compare


def test_a_run_that_became_nan_stops_and_is_not_complete(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.argv", ["rlskills"])
    words = [
        "run", "grpo", "--model", "tiny", "--env", "string_transform?preset=tiny",
        "--eval-tasks", "4", "--samples", "0", "--cold-start.max-steps", "6",
        "--cold-start.batch-size", "8", "--cold-start.warmup-steps", "0",
        "--cold-start.learning-rate", "1e20", "--cold-start.max-grad-norm", "1e9",
        "--cold-start.save-every", "1", "--output", str(tmp_path),
    ]  # fmt: skip
    with pytest.raises(SystemExit) as error:
        cli.main(words)
    assert error.value.code == 2
    assert "train/grad_norm is nan at step 2" in capsys.readouterr().err
    run = tmp_path / "seed0" / "base"
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["status"] == "failed"
    assert "train/grad_norm is nan at step 2" in manifest["reason"]
    assert [folder.name for folder in (run / "checkpoints").glob("checkpoint-*")] == [
        "checkpoint-1"
    ]
    for line in (run / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    with pytest.raises(Exception, match="no evaluated run"):
        compare([tmp_path])
