"""Training that ends by what was sampled, not by its number of updates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlskills.errors import UserError
from rlskills.experiments.evaluator import Evaluator
from rlskills.training.settings import RLSettings, hashed

from .small import lessons, train
from .test_resume import result

SETTINGS = RLSettings(
    max_steps=30, prompts_per_step=8, group_size=4, max_new_tokens=6, eval_every=0, save_every=1,
    max_rollouts=3 * 32 - 5,
)  # fmt: skip


def test_the_update_that_reaches_it_is_the_last_and_is_evaluated(small_model: Path, tmp_path: Path):
    train(tmp_path, "arm", str(small_model), SETTINGS, lessons())
    lines = (tmp_path / "seed0/arm/metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [(r["step"], r["rollouts"]) for r in records] == [(0, 0), (1, 32), (2, 64), (3, 96)]
    assert "eval/all/L1/greedy" in records[-1]["metrics"]
    assert json.loads((tmp_path / "seed0/arm/run.json").read_text())["status"] == "complete"


def test_a_run_that_was_killed_behind_it_trains_no_further(
    small_model: Path, tmp_path: Path, monkeypatch
):
    train(tmp_path / "whole", "arm", str(small_model), SETTINGS, lessons())
    with monkeypatch.context() as patched:

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(Evaluator, "final", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "torn", "arm", str(small_model), SETTINGS, lessons())
    train(tmp_path / "torn", "arm", str(small_model), SETTINGS, lessons())
    assert result(tmp_path / "torn", ["arm"]) == result(tmp_path / "whole", ["arm"])


def test_without_it_a_hash_is_as_it_was():
    assert "max_rollouts" not in hashed(RLSettings())
    assert hashed(SETTINGS)["max_rollouts"] == 91
    with pytest.raises(UserError, match="max_rollouts must be at least 0"):
        RLSettings(max_rollouts=-1)
