"""FSDP2 on two processes: training, sampling, evaluation, checkpoints and the saved model.

accelerate shards on accelerators only; `accelerated.py` has it do so on CPUs, over gloo.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rlskills.training.settings import RLSettings, SFTSettings, Training

from .accelerated import variables
from .shared import run_shared
from .small import lessons, stream, train

SHARDS = variables("fsdp2")
RL = RLSettings(
    max_steps=4, prompts_per_step=8, group_size=4, max_new_tokens=6, learning_rate=1e-3,
    eval_every=2, save_every=2, treatments=("grpo?zero_variance=keep",),
)  # fmt: skip
SFT = SFTSettings(max_steps=4, batch_size=8, learning_rate=1e-3, eval_every=2, save_every=2)
METHODS: dict[str, tuple[Training, Any]] = {"grpo": (RL, lessons), "sft": (SFT, stream)}


def note_shards(folder: Path) -> None:
    """Have each process note, at every update, which share of the weights it holds."""
    from rlskills.training.recording import Recorder
    from torch.distributed import get_rank, get_world_size
    from torch.distributed.tensor import DTensor

    before, seen = Recorder.on_step_end, []

    def on_step_end(self: Any, *args: Any, model: Any, **kwargs: Any) -> None:
        before(self, *args, **kwargs)
        weights = list(model.parameters())
        assert all(isinstance(weight, DTensor) for weight in weights)
        here = sum(weight.to_local().numel() for weight in weights)
        seen.append([get_world_size(), here, sum(weight.numel() for weight in weights)])
        (folder / f"shards{get_rank()}.json").write_text(json.dumps(seen))

    Recorder.on_step_end = on_step_end


def arm(folder: Path, model: Path, method: str, sharded: bool, **changes: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if sharded:
        note_shards(folder)
    settings, problems = METHODS[method]
    train(folder, method, str(model), replace(settings, **changes), problems())


def run(folder: Path, model: Path, method: str, processes: int = 2, **changes: Any) -> Path:
    shards = SHARDS if processes == 2 else None
    job = partial(arm, folder, model, method, shards is not None, **changes)
    run_shared(job, processes, shards)
    return folder / "seed0" / method


def shares(folder: Path) -> list[list[list[int]]]:
    return [json.loads((folder / f"shards{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.parametrize("method", METHODS)
def test_a_sharded_run_is_that_of_whole_copies(half_trained: Path, tmp_path: Path, method: str):
    sharded = run(tmp_path / "sharded", half_trained, method)
    job = partial(arm, tmp_path / "whole", half_trained, method, False)
    run_shared(job, 2)
    whole = tmp_path / "whole" / "seed0" / method
    first, second = shares(tmp_path / "sharded")
    for (world, here, all_of_them), (_, there, _) in zip(first, second, strict=True):
        assert world == 2
        assert here + there == all_of_them
        assert abs(here - there) < 0.1 * all_of_them
    assert len(first) == 4
    found, expected = (load_file(one / "model/model.safetensors") for one in (sharded, whole))
    start = load_file(half_trained / "model.safetensors")
    assert found.keys() == expected.keys() == start.keys()
    for name, weights in expected.items():
        moved = float((weights - start[name]).norm())
        assert float((found[name] - weights).norm()) < 0.02 * moved, name
    for one in ("evaluation.json",):
        assert (sharded / one).read_text() == (whole / one).read_text()
