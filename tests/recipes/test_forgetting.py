"""The recipe `forgetting`: chains of three stages on equal samples, and a whole run of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlskills.cli import entry as cli
from rlskills.errors import UserError
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills_recipes.forgetting import Config, study

pytestmark = pytest.mark.long

FEW = ["--machine.threads=1", "--machine.attention=eager", "--machine.precision=medium"]


def test_every_method_is_a_chain_on_as_many_samples():
    made = study(Config(eval_tasks=1, seeds=1))
    assert [(arm.name, arm.start) for arm in made.arms][1:4] == [
        ("rl_1", "base"), ("rl_2", "rl_1"), ("rl_3", "rl_2")
    ]  # fmt: skip
    assert len(made.arms) == 16
    for arm in made.arms[1:]:
        settings = arm.settings
        each = (
            settings.prompts_per_step * settings.group_size
            if isinstance(settings, RLSettings)
            else settings.batch_size
            if isinstance(settings, SFTSettings)
            else 0
        )
        assert (each, settings.max_steps if settings else 0) == (256, 40), arm.name
    names = {arm.name for arm in made.arms}
    effects = [claim.effect for claim in made.claims if claim.effect]
    assert len(effects) == 6
    assert {name for effect in effects for name in (effect.arm, effect.against)} <= names
    assert {each.group for each in made.eval_sets} == {"common", "nested", "row", "path"}
    with pytest.raises(UserError, match="did you mean 'rft'"):
        Config(methods=("rtf",))


def test_a_chain_runs_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    few = ["--rl.max-steps=1", "--rl.prompts-per-step=2", "--rl.group-size=2", "--seeds=1"]
    few += ["--cold-start.max-steps=1", "--eval-tasks=1", "--methods", "rft_filtered"]
    cli.main(["run", "forgetting", *few, "--output", str(tmp_path), *FEW])
    assert "rft_filtered_3" in capsys.readouterr().out
    runs = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.rglob("run.json")}
    assert runs.keys() == {"base", *(f"rft_filtered_{number}" for number in (1, 2, 3))}
    assert {run["status"] for run in runs.values()} == {"complete"}
