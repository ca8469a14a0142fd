"""The recipe `critics`: equal samples for all arms, claims of arms that are there, a whole run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rlskills.cli import entry as cli
from rlskills.errors import UserError
from rlskills.experiments import Supervision
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills_recipes.critics import Config, study

pytestmark = pytest.mark.long

FEW = ["--machine.threads=1", "--machine.attention=eager", "--machine.precision=medium"]


def test_arms_have_as_many_samples_and_claims_their_supervision():
    config = Config(eval_tasks=1)
    made = study(config)
    rl, sft = (made.arm(name).settings for name in ("rl", "sft_worked"))
    assert isinstance(rl, RLSettings)
    assert isinstance(sft, SFTSettings)
    assert rl.prompts_per_step * rl.group_size == sft.batch_size
    assert rl.max_steps == sft.max_steps
    for claim in made.claims:
        effect = claim.effect
        assert effect is not None
        if effect.against != "base":
            alike = {made.arm(name).supervision for name in (effect.arm, effect.against)}
            assert len(alike) == 1, claim.name
    assert len(made.claims) == 8
    fewer = study(replace(config, arms=("rl",)))
    assert {claim.effect.arm for claim in fewer.claims if claim.effect} == {"rl"}
    assert made.arm("rl_steps").supervision == Supervision.STEPS
    with pytest.raises(UserError, match="did you mean 'rl'"):
        study(replace(config, arms=("rll",)))


def test_it_runs_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    few = ["--rl.max-steps=1", "--rl.prompts-per-step=2", "--sft.max-steps=1", "--samples=0"]
    few += ["--sft.batch-size=8", "--eval-tasks=1", "--seeds=1", "--output", str(tmp_path)]
    few += ["--arms", "rl_steps", "sft_worked"]
    cli.main(["run", "critics", *few, *FEW])
    shown = capsys.readouterr().out
    assert "\nClaims\n" in shown
    assert "rl_steps over sft_worked: four" in shown
    runs = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.rglob("run.json")}
    assert runs.keys() == {"base", "rl_steps", "sft_worked"}
    assert {run["status"] for run in runs.values()} == {"complete"}
    assert len(json.loads((tmp_path / "study.json").read_text())["claims"]) == 4
