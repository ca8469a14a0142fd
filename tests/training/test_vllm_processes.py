"""vLLM under several processes: one vLLM on two of them, and a server that both ask."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from accelerate import PartialState

from rlskills.experiments import ArmConfig, Supervision
from rlskills.models.vllm_settings import VLLMSettings

from ..generation.stand_in import LLM, use_stand_in
from ..generation.stand_in_server import StandInServer
from .shared import run_shared
from .small import MACHINE, run, small_study, stream
from .test_vllm import RL


def job(folder: Path, model: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        wire = use_stand_in(patch)
        rank, server = PartialState().process_index, None
        if rank == 0:
            server = StandInServer(str(model), wire)
            (folder / "new").write_text(server.url)
            (folder / "new").rename(folder / "url")
        while not (folder / "url").exists():
            time.sleep(0.05)
        url = (folder / "url").read_text()
        for name, vllm in (
            ("together", VLLMSettings(tensor_parallel=2)),
            ("server", VLLMSettings("server", server_url=url)),
        ):
            settings = replace(RL, max_steps=1, save_every=1)
            rl = ArmConfig("rl", Supervision.ANSWERS, settings, stream())
            machine = replace(MACHINE, vllm=vllm)
            run(small_study(rl, model=str(model)), folder / name, machine)
        (llm,) = LLM.made
        seen = {
            "asked": [(prompt, how.seed, how.n) for prompt, how in llm.asked],
            "tensor_parallel_size": llm.arguments["tensor_parallel_size"],
            "served": server and [(*body["prompt"], body["n"]) for body in server.asked],
            "received": server and len(server.weights.received),
        }
        (folder / f"rank{rank}.json").write_text(json.dumps(seen))


@pytest.fixture(scope="module")
def seen(half_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    folder = tmp_path_factory.mktemp("processes")
    run_shared(partial(job, folder, half_trained), 2)
    one, two = (json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1))
    return folder, one, two


def outcome(folder: Path) -> tuple[Any, Any]:
    evaluation = json.loads((folder / "seed0" / "rl" / "evaluation.json").read_text())
    budget = json.loads((folder / "seed0" / "rl" / "run.json").read_text())["budget"]
    tasks = [task for each in evaluation["eval_sets"] for task in each["tasks"]]
    return tasks, budget


def test_processes_of_one_vllm_are_asked_for_the_same(seen: tuple[Path, Any, Any]):
    folder, one, two = seen
    assert one["tensor_parallel_size"] == 2
    assert one["asked"] == two["asked"] != []
    groups = [prompt for prompt, _, n in one["asked"] if n == RL.group_size]
    assert len(groups) == RL.prompts_per_step, "and each rollout is counted once"
    tasks, budget = outcome(folder / "together")
    assert budget["rollouts"] == RL.prompts_per_step * RL.group_size
    assert len(tasks) == len({task["key"] for task in tasks}) == 16
    assert sum(n == 2 for _, _, n in one["asked"]) == 16


def test_processes_ask_a_server_for_their_shares(seen: tuple[Path, Any, Any]):
    folder, one, _ = seen
    groups = [prompt for prompt, n in one["served"] if n == RL.group_size]
    assert len(groups) == RL.prompts_per_step
    assert one["received"] == 2, "by one of them, before the step and after"
    tasks, budget = outcome(folder / "server")
    assert budget["rollouts"] == RL.prompts_per_step * RL.group_size
    assert len(tasks) == len({task["key"] for task in tasks}) == 16
