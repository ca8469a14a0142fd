"""The recipe `transfer`: RL that never sees Countdown, and claims of arms that are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlskills.cli import entry as cli
from rlskills_recipes.transfer import Config, study

pytestmark = pytest.mark.long

FEW = ["--machine.threads=1", "--machine.attention=eager", "--machine.precision=medium"]


def test_rl_is_on_strings_only_and_claims_are_of_its_arms():
    made = study(Config(eval_tasks=1))
    units = {}
    for arm in made.arms[1:]:
        stream = arm.stream_of(0)
        assert stream is not None
        units[arm.name] = {unit.partition("/")[0] for unit in stream.sources}
    assert units["multi"] == {"string", "countdown"}
    assert all(units[name] == {"train"} for name in units if "_rl_" in name)
    names = {arm.name for arm in made.arms}
    asked = {(each.group, each.level) for each in made.eval_sets}
    for claim in made.claims:
        assert claim.effect is not None
        assert {claim.effect.arm, claim.effect.against} <= names
        assert {*claim.effect.at} <= asked


def test_it_runs_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    few = ["--rl.max-steps=1", "--rl.prompts-per-step=2", "--rl.group-size=2", "--seeds=1"]
    few += ["--atoms.max-steps=1", "--eval-tasks=1", "--samples=1", "--output", str(tmp_path)]
    cli.main(["run", "transfer", *few, *FEW])
    assert "without atoms" in capsys.readouterr().out
    runs = [json.loads(path.read_text()) for path in tmp_path.rglob("run.json")]
    assert {run["status"] for run in runs} == {"complete"}
    assert len(runs) == 5
