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

from rlskills.errors import UserError
from rlskills.experiments import ArmConfig, Supervision, runner
from rlskills.experiments.side_by_side import run_side_by_side
from rlskills.stopping import last_words, listening
from rlskills.training.settings import SFTSettings

from ..training.small import MACHINE, run, small_study, stream

pytestmark = pytest.mark.long

SFT = SFTSettings(max_steps=3, batch_size=8, eval_every=0, save_every=3)
ARMS = ("one", "two", "three")


def run_arms(folder: Path, model: Path, at_once: int) -> None:
    arms = [ArmConfig(name, Supervision.STEPS, SFT, stream(seed)) for seed, name in enumerate(ARMS)]
    run(small_study(*arms, model=str(model)), folder, replace(MACHINE, arms_at_once=at_once))


def weights(folder: Path) -> list[bytes]:
    return [(folder / "seed0" / name / "model/model.safetensors").read_bytes() for name in ARMS]


def test_side_by_side_is_one_after_the_other(tmp_path: Path, small_model: Path):
    run_arms(tmp_path / "apart", small_model, at_once=1)
    run_arms(tmp_path / "beside", small_model, at_once=2)
    assert weights(tmp_path / "apart") == weights(tmp_path / "beside")
    for name in ARMS:
        run = json.loads((tmp_path / "beside/seed0" / name / "run.json").read_text())
        assert run["status"] == "complete"
    before = os.stat(tmp_path / "beside/seed0/one/run.json")
    run_arms(tmp_path / "beside", small_model, at_once=2)
    assert os.stat(tmp_path / "beside/seed0/one/run.json") == before


def test_what_is_under_way_is_known_in_the_parent(
    tmp_path: Path, small_model: Path, monkeypatch: pytest.MonkeyPatch
):
    told: list[str] = []
    monkeypatch.setattr(runner, "run_side_by_side", lambda *_, **__: told.append(last_words()))
    with listening():
        run_arms(tmp_path, small_model, at_once=2)
    assert told == ["stopped: one and two and three; repeat the command to go on"]


def fail(kind: str) -> None:
    raise UserError(f"no such {kind}")


def test_an_error_comes_back_as_it_is():
    with pytest.raises(UserError, match="no such thing"):
        run_side_by_side([partial(fail, "thing")], at_once=1, threads=1)


def write_for_ever(place: Path) -> None:
    for count in range(600):
        place.write_text(f"{os.getpid()} {count}")
        time.sleep(0.05)


@pytest.mark.torture
def test_killing_the_parent_ends_its_arms(tmp_path: Path):
    place = tmp_path / "alive"
    program = (
        "from functools import partial; from pathlib import Path\n"
        "from rlskills.experiments.side_by_side import run_side_by_side\n"
        "from tests.experiments.test_side_by_side import write_for_ever\n"
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
