"""Arms in processes of their own give what they give one after the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from accelerate import PartialState
from safetensors.torch import load_file

from rlskills.errors import UserError
from rlskills.training.experiment import Rival
from rlskills.training.settings import GRPOSettings, SFTSettings
from rlskills.training.side_by_side import run_shared, run_side_by_side

from .small import experiment, lessons, stream

SFT = SFTSettings(updates=3, batch=8, eval_every=0, save_every=3)
RIVALS = ("one", "two", "three")


def rivals() -> list[Rival]:
    return [Rival(name, "every step", SFT, stream(seed)) for seed, name in enumerate(RIVALS)]


def weights(folder: Path) -> list[bytes]:
    return [(folder / name / "model/model.safetensors").read_bytes() for name in RIVALS]


def test_side_by_side_is_one_after_the_other(tmp_path: Path, small_model: Path):
    experiment(tmp_path / "apart").rivals(rivals(), str(small_model), at_once=1)
    experiment(tmp_path / "beside").rivals(rivals(), str(small_model), at_once=2)
    assert weights(tmp_path / "apart") == weights(tmp_path / "beside")
    for name in RIVALS:
        run = json.loads((tmp_path / "beside" / name / "run.json").read_text())
        assert run["status"] == "complete"
    before = os.stat(tmp_path / "beside/one/run.json")
    experiment(tmp_path / "beside").rivals(rivals(), str(small_model), at_once=2)
    assert os.stat(tmp_path / "beside/one/run.json") == before


def fail(kind: str) -> None:
    raise UserError(f"no such {kind}")


def test_an_error_comes_back_as_it_is():
    with pytest.raises(UserError, match="no such thing"):
        run_side_by_side([partial(fail, "thing")], at_once=1, threads=1)


def answered(folder: Path) -> list[str]:
    probes = json.loads((folder / "base/evaluation.json").read_text())["probes"]
    return [task["key"] for probe in probes for task in probe["tasks"]]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_sharing_batches_is_the_same_training(tmp_path: Path, small_model: Path, optimizer: str):
    settings = replace(SFT, optimizer=optimizer)
    folders = [tmp_path / "alone", tmp_path / "shared", tmp_path / "again"]
    for folder, processes in zip(folders, (1, 2, 2), strict=True):
        one = experiment(folder)
        model = one.run("base", "every step", str(small_model), settings, stream(), processes)
        assert model == str(folder / "base/model")
    runs = [json.loads((folder / "base/run.json").read_text()) for folder in folders]
    assert [run["status"] for run in runs] == ["complete"] * 3
    for field in ("samples", "trained_tokens"):
        assert runs[0]["budget"][field] == runs[1]["budget"][field] > 0
    assert runs[0]["final_state"] == runs[1]["final_state"]
    asked = [answered(folder) for folder in folders]
    assert asked[0] == asked[1] == asked[2]
    alone, shared, again = (load_file(one / "base/model/model.safetensors") for one in folders)
    before = load_file(small_model / "model.safetensors")
    for name, weights in alone.items():
        moved = (weights - before[name]).norm()
        assert (shared[name] - weights).norm() < 0.02 * moved, name
        assert shared[name].equal(again[name])


SHARED = {
    "sft": (SFTSettings(updates=24, batch=8, optimizer="muon", eval_every=0, save_every=2), stream),
    "grpo": (
        GRPOSettings(updates=24, prompts=8, group=4, max_new_tokens=6, eval_every=0, save_every=2),
        lessons,
    ),
}


def share(folder: Path, model: Path, method: str) -> None:
    settings, problems = SHARED[method]
    experiment(folder).run("base", method, str(model), settings, problems(), processes=2)


@pytest.mark.parametrize("method", SHARED)
def test_a_killed_run_of_shared_batches_ends_as_an_undisturbed_one(
    tmp_path: Path, small_model: Path, method: str
):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    share(whole, small_model, method)
    program = (
        "from pathlib import Path; from tests.training.test_side_by_side import share\n"
        f"if __name__ == '__main__':\n"
        f"    share(Path({str(torn)!r}), Path({str(small_model)!r}), {method!r})\n"
    )
    (tmp_path / "run.py").write_text(program)
    root = Path(__file__).parents[2]
    paths = {"PYTHONPATH": os.pathsep.join([str(root), str(root / "envs")])}
    run = subprocess.Popen([sys.executable, str(tmp_path / "run.py")], env=os.environ | paths)
    while not (torn / "base/checkpoints/checkpoint-4").exists():
        assert run.poll() is None
        time.sleep(0.02)
    run.kill()
    run.wait()
    time.sleep(1.0)
    assert json.loads((torn / "base/run.json").read_text())["status"] != "complete"
    share(torn, small_model, method)
    for one in ("base/model/model.safetensors", "base/evaluation.json"):
        assert (torn / one).read_bytes() == (whole / one).read_bytes()


def test_an_error_in_a_share_comes_back_as_it_is():
    with pytest.raises(UserError, match="no such share"):
        run_shared(partial(fail, "share"), processes=2)


def fail_where_the_other_waits(kind: str) -> None:
    processes = PartialState()
    if processes.is_main_process:
        raise UserError(f"no such {kind}")
    processes.wait_for_everyone()


def test_a_share_does_not_wait_for_one_that_failed():
    with pytest.raises(UserError, match="no such end"):
        run_shared(partial(fail_where_the_other_waits, "end"), processes=2)


def write_for_ever(place: Path) -> None:
    for count in range(600):
        place.write_text(f"{os.getpid()} {count}")
        time.sleep(0.05)


def test_killing_the_parent_ends_its_arms(tmp_path: Path):
    place = tmp_path / "alive"
    program = (
        "from functools import partial; from pathlib import Path\n"
        "from rlskills.training.side_by_side import run_side_by_side\n"
        "from tests.training.test_side_by_side import write_for_ever\n"
        "if __name__ == '__main__':\n"
        f"    run_side_by_side([partial(write_for_ever, Path({str(place)!r}))], 1, 1)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(program)
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), str(root / "envs")])
    environment = os.environ | {"PYTHONPATH": paths}
    parent = subprocess.Popen([sys.executable, str(script)], env=environment)
    while not place.exists():
        assert parent.poll() is None
        time.sleep(0.1)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    time.sleep(1.0)
    last = place.read_text()
    time.sleep(1.0)
    assert place.read_text() == last
