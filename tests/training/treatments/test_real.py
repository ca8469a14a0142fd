"""Every registered treatment in real training: stopped and gone on with, on one process and two.

Those that may stand in one arm train together, so that a few arms have all of them.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.experiments import ArmConfig, EvalConfig, Machine, Study, Supervision
from rlskills.models.tiny_base import tiny_base
from rlskills.training.collect import Collector
from rlskills.training.settings import RLSettings
from rlskills.training.stream import uniform
from rlskills.training.treatments import TREATMENTS, Treatment, treatment_specs
from rlskills.training.trl import RLTrainer
from rlskills_envs.string_transform import StringTransform

from ..shared import run_shared
from ..small import run
from ..test_resume import result

pytestmark = pytest.mark.long
ENV = StringTransform(preset="tiny", functions="train")
OPTIONS = {"distillation": f"distillation?teacher={tiny_base(1)}"}
"""What a treatment cannot do without."""


def arms() -> list[tuple[str, ...]]:
    """All registered treatments, in as few arms as they can share."""
    found: list[tuple[str, ...]] = []
    # Those that set advantages by themselves first: there can be but one in an arm.
    names = sorted(TREATMENTS.names(), key=lambda name: not TREATMENTS.find(name).sets_credit)
    for name in names:
        spec = OPTIONS.get(name, name)
        for i, arm in enumerate(found):
            if _allowed((*arm, spec)):
                found[i] = (*arm, spec)
                break
        else:
            found.append((spec,))
    return found


def _allowed(specs: tuple[str, ...]) -> bool:
    try:
        treatment_specs(specs)
    except UserError:
        return False
    return True


SETTINGS = RLSettings(
    max_steps=3, prompts_per_step=4, group_size=4, max_new_tokens=48, optimizer="muon",
    learning_rate=2e-4, eval_every=0, save_every=1,
)  # fmt: skip


def train(
    folder: Path, treatments: tuple[str, ...], model: str = "", settings: RLSettings = SETTINGS
) -> None:
    settings = replace(settings, treatments=treatments)
    sets = tuple(make_eval_sets({"train": ENV}, (2,), 4))
    arm = ArmConfig("arm", Supervision.STEPS, settings, uniform(ENV, "train", (2, 3), 0))
    study = Study("all", "", (arm,), sets, EvalConfig(48), curve_tasks=1,
                  model=model or str(tiny_base()))  # fmt: skip
    run(study, folder, Machine(threads=1, attention="eager", precision="highest"))


def has_state(spec: str) -> bool:
    """Whether a treatment keeps more than a generator from round to round."""
    return TREATMENTS.find(spec.partition("?")[0]).state_dict is not Treatment.state_dict


STOPPED = [
    pytest.param(arm, marks=() if any(map(has_state, arm)) else pytest.mark.torture)
    for arm in arms()
]


@pytest.mark.parametrize("treatments", STOPPED, ids=lambda arm: "+".join(arm))
def test_a_stopped_run_ends_with_the_same_bits(treatments: Any, tmp_path: Path, monkeypatch):
    train(tmp_path / "whole", treatments)
    step = RLTrainer.training_step
    with monkeypatch.context() as patched:

        def stopping(self: Any, *args: Any, **options: Any) -> Any:
            if self.state.global_step == 2:
                raise KeyboardInterrupt
            return step(self, *args, **options)

        patched.setattr(RLTrainer, "training_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "torn", treatments)
    train(tmp_path / "torn", treatments)
    assert result(tmp_path / "torn", ["arm"]) == result(tmp_path / "whole", ["arm"])


@pytest.mark.parametrize("treatments", arms(), ids="+".join)
def test_a_chat_model_is_trained(treatments: Any, tmp_path: Path, chat_model: str):
    """One that never answers: what deals with groups that fail is at work in all of them."""
    few = replace(SETTINGS, max_steps=1, prompts_per_step=2, max_new_tokens=8)
    names = tuple(spec.partition("?")[0] for spec in treatments)
    train(tmp_path, names, chat_model, few)
    found = result(tmp_path, ["arm"])["arm"]
    assert found["metrics"][-1]["step"] == 1
    assert math.isfinite(found["metrics"][-1]["metrics"]["train/loss"])


def test_every_treatment_is_trained_with():
    assert {spec.split("?")[0] for arm in arms() for spec in arm} == set(TREATMENTS.names())


def noting(folder: Path, treatments: tuple[str, ...]) -> None:
    """`train`, which writes down what this process makes of every round."""
    collect, seen = Collector.collect, list[Any]()

    def noted(self: Collector, step: int) -> Any:
        rounds = collect(self, step)
        for row in (row for batch in rounds for row in batch):
            weights = (row.advantages, row.rl_weight, row.ce_weight)
            seen.append([row.ids, *(values.tolist() for values in weights)])
        return rounds

    Collector.collect = noted
    train(folder, treatments)
    (folder / f"rank{os.environ['RANK']}.json").write_text(json.dumps(seen))


def test_two_processes_make_the_same_of_a_round(tmp_path: Path):
    run_shared(partial(noting, tmp_path, arms()[0]), processes=2)
    one, two = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert len(one) >= 3 * 16
    assert one == two
