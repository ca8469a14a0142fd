"""Batches shared by two processes: the same training, also when it is killed on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from safetensors.torch import load_file

from rlskills.training.settings import RLSettings, SFTSettings, Training
from rlskills.training.stream import TaskStream

from .shared import run_shared
from .small import lessons, stream
from .small import train as train_arm

pytestmark = pytest.mark.long

SFT = SFTSettings(max_steps=3, batch_size=8, eval_every=0, save_every=3)


def train(folder: Path, model: Path, settings: Training, problems: TaskStream) -> None:
    train_arm(folder, "base", str(model), settings, problems)


def answered(folder: Path) -> list[str]:
    eval_sets = json.loads((folder / "seed0/base/evaluation.json").read_text())["eval_sets"]
    return [task["key"] for eval_set in eval_sets for task in eval_set["tasks"]]


@pytest.mark.parametrize("optimizer", ["adamw", pytest.param("muon", marks=pytest.mark.torture)])
def test_sharing_batches_is_the_same_training(tmp_path: Path, small_model: Path, optimizer: str):
    settings = replace(SFT, optimizer=optimizer)
    folders = [tmp_path / "alone", tmp_path / "shared", tmp_path / "again"]
    for folder, processes in zip(folders, (1, 2, 2), strict=True):
        run_shared(partial(train, folder, small_model, settings, stream()), processes)
    runs = [json.loads((folder / "seed0/base/run.json").read_text()) for folder in folders]
    assert [run["status"] for run in runs] == ["complete"] * 3
    for field in ("samples", "trained_tokens"):
        assert runs[0]["budget"][field] == runs[1]["budget"][field] > 0
    assert runs[0]["final_state"] == runs[1]["final_state"]
    asked = [answered(folder) for folder in folders]
    assert asked[0] == asked[1] == asked[2]
    alone, shared, again = (
        load_file(one / "seed0/base/model/model.safetensors") for one in folders
    )
    before = load_file(small_model / "model.safetensors")
    for name, weights in alone.items():
        moved = (weights - before[name]).norm()
        assert (shared[name] - weights).norm() < 0.02 * moved, name
        assert shared[name].equal(again[name])


SHARED = {
    "sft": (
        SFTSettings(max_steps=24, batch_size=8, optimizer="muon", eval_every=0, save_every=2),
        stream,
    ),
    "grpo": (
        RLSettings(
            max_steps=24,
            prompts_per_step=8,
            group_size=4,
            max_new_tokens=6,
            eval_every=0,
            save_every=2,
        ),
        lessons,
    ),
}


def share(folder: Path, model: Path, method: str) -> None:
    settings, problems = SHARED[method]
    run_shared(partial(train, folder, model, settings, problems()), processes=2)


@pytest.mark.torture
@pytest.mark.parametrize("method", list(SHARED))
def test_a_killed_run_of_shared_batches_ends_as_an_undisturbed_one(
    tmp_path: Path, small_model: Path, method: str
):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    share(whole, small_model, method)
    program = (
        "from pathlib import Path; from tests.training.test_shared import share\n"
        "if __name__ == '__main__':\n"
        f"    share(Path({str(torn)!r}), Path({str(small_model)!r}), {method!r})\n"
    )
    (tmp_path / "run.py").write_text(program)
    root = Path(__file__).parents[2]
    paths = {"PYTHONPATH": os.pathsep.join([str(root), str(root / "envs")])}
    run = subprocess.Popen([sys.executable, str(tmp_path / "run.py")], env=os.environ | paths)
    while not (torn / "seed0/base/checkpoints/checkpoint-4").exists():
        assert run.poll() is None
        time.sleep(0.02)
    run.kill()
    run.wait()
    time.sleep(1.0)
    assert json.loads((torn / "seed0/base/run.json").read_text())["status"] != "complete"
    share(torn, small_model, method)
    for one in ("seed0/base/model/model.safetensors", "seed0/base/evaluation.json"):
        assert (torn / one).read_bytes() == (whole / one).read_bytes()
