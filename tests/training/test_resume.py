"""A run killed at random moments must end as an undisturbed one, bit for bit."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ..forked import Forked
from .small import main

pytestmark = pytest.mark.long

METRICS = "seed0/grpo/metrics.jsonl"
CLOCKS = ("time", "seconds")
Undisturbed: TypeAlias = tuple[Path, dict[str, Any], float]
"""Its folder, what is in it, and how many seconds it took."""


def start(folder: Path) -> Forked:
    folder.mkdir(exist_ok=True)
    return Forked(partial(main, folder), folder.with_suffix(".log"))


def finish(folder: Path) -> float:
    began = time.perf_counter()
    start(folder).finish()
    return time.perf_counter() - began


def result(folder: Path, arms: Sequence[str] = ("base", "grpo")) -> dict[str, Any]:
    """All that must be equal: weights, metrics without clocks, outcomes, curriculum."""
    found: dict[str, Any] = {}
    for arm in arms:
        run = folder / "seed0" / arm
        lines = (run / "metrics.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        found[arm] = {
            "weights": hashlib.sha256((run / "model/model.safetensors").read_bytes()).hexdigest(),
            "metrics": [{k: v for k, v in r.items() if k not in CLOCKS} for r in records],
            "evaluation": (run / "evaluation.json").read_text(),
            "rollouts": b"".join(path.read_bytes() for path in run.glob("rollouts.jsonl")),
            "final_state": json.loads((run / "run.json").read_text())["final_state"],
        }
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    seconds = finish(folder)
    return folder, result(folder), seconds


@pytest.mark.torture
@pytest.mark.parametrize("most", [10])
def test_a_killed_run_ends_like_an_undisturbed_one(undisturbed, tmp_path: Path, most: int):
    _, expected, seconds = undisturbed
    rng = random.Random(int.from_bytes(os.urandom(4), "big"))
    kills, folder = 0, 0
    while kills < most:
        process = start(tmp_path / str(folder))
        # From before the first checkpoint to after the last one.
        time.sleep(rng.uniform(0.1, 1.0) * seconds)
        if process.poll() is None:
            process.kill()
            kills += 1
        else:  # it ended first: that is a whole run, and the next kill needs a new one
            process.finish()
            assert result(tmp_path / str(folder)) == expected
            folder += 1
    finish(tmp_path / str(folder))
    assert result(tmp_path / str(folder)) == expected
    print(f"{kills} kills over {folder + 1} runs")


def test_a_second_call_changes_nothing(undisturbed: Undisturbed):
    folder, expected, _ = undisturbed
    files = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    main(folder)
    assert files == {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    assert result(folder) == expected


def test_the_undisturbed_run_really_trained(undisturbed):
    found = undisturbed[1]
    assert found["base"]["weights"] != found["grpo"]["weights"]
    losses = [r["metrics"]["train/loss"] for r in found["base"]["metrics"] if r["step"]]
    assert losses[-1] < losses[0]
    last = found["grpo"]["metrics"][-1]
    assert (last["step"], last["rollouts"]) == (8, 8 * 8 * 4)
    assert found["grpo"]["final_state"]["position"] == {
        "L1": found["grpo"]["final_state"]["position"]["L1"],
        "L2": 64 - found["grpo"]["final_state"]["position"]["L1"],
    }


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(undisturbed, tmp_path: Path):
    checkpoints = tmp_path / "seed0" / "base" / "checkpoints"
    process = start(tmp_path)
    while len(list(checkpoints.glob("checkpoint-*/seal.json"))) < 2 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    newest = max(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    weights = newest / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    said = start(tmp_path).finish()
    assert f"{tmp_path / 'seed0/base'} goes on from step {int(newest.name[11:]) - 4}" in said
    assert "missing" not in said.lower()
    assert f"{newest.name} is damaged: model.safetensors has changed" in said
    assert result(tmp_path) == undisturbed[1]


def at(days: float, folder: Path) -> None:
    """The run of a machine whose clock is that many days wrong."""
    now = time.time
    time.time = lambda: now() + days * 86400
    main(folder)


def test_a_clock_that_is_set_changes_nothing(undisturbed: Undisturbed, tmp_path: Path):
    folder, log = tmp_path / "run", tmp_path / "log"
    checkpoints = folder / "seed0" / "grpo" / "checkpoints"
    process = Forked(partial(at, 400, folder), log)
    while not list(checkpoints.glob("checkpoint-*/seal.json")) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    Forked(partial(at, -3, folder), log).finish()
    assert result(folder) == undisturbed[1]
    times = [json.loads(line)["time"] for line in (folder / METRICS).read_text().splitlines()]
    assert times[-1] < times[0] - 400 * 86400
