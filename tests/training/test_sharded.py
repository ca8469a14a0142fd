"""FSDP2 on two processes: training, sampling, evaluation, checkpoints and the saved model.

accelerate shards on accelerators only; `accelerated.py` has it do so on CPUs, over gloo.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from safetensors.torch import load_file

from rlskills.cli.entry import main
from rlskills.models.options import LoraOptions, ModelOptions
from rlskills.training.settings import RLSettings, SFTSettings, Training
from rlskills.training.stream import uniform
from rlskills_envs.function_guess import FunctionGuess

from .accelerated import variables
from .shared import run_shared
from .small import lessons, stream, train

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SHARDS = variables("fsdp2")
ONE_FILE = SHARDS | {"FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT"}
RL = RLSettings(
    max_steps=4, prompts_per_step=8, group_size=4, max_new_tokens=6, learning_rate=1e-3,
    eval_every=2, save_every=2, treatments=("grpo?zero_variance=keep",),
)  # fmt: skip
SFT = SFTSettings(max_steps=4, batch_size=8, learning_rate=1e-3, eval_every=2, save_every=2)
STUDY: dict[str, dict[str, Any]] = {
    # More processes than tasks: one has nothing to answer.
    "lora": {
        "model_options": ModelOptions(base_dtype="bfloat16", lora=LoraOptions(rank=4)),
        "curve_tasks": 1,
    },
}


def games() -> Any:
    guess = FunctionGuess(preset="tiny", pool=4, reward={"answer": 1.0, "queries": 0.1})
    return uniform(guess, "train", (1, 2), 0)


METHODS: dict[str, tuple[Training, Any]] = {
    "grpo": (RL, lessons),
    "sft": (SFT, stream),
    "games": (replace(RL, max_new_tokens=24, prompts_per_step=4, beta=0.05), games),
    "lora": (
        replace(RL, learning_rate=1e-2, max_new_tokens=4, gradient_checkpointing=True),
        stream,
    ),
}


def watch(folder: Path, dies_at: tuple[str, int] | None) -> None:
    """Note at every update which share of the weights is here; die at a moment, as by SIGKILL."""
    from torch.distributed import get_rank, get_world_size
    from torch.distributed.tensor import DTensor

    from rlskills.training.recording import Recorder

    seen: list[list[int]] = []

    def noting(method: str) -> Any:
        before = getattr(Recorder, method)

        def after(self: Any, args: Any, state: Any, control: Any, model: Any, **more: Any) -> None:
            before(self, args, state, control, **more)
            weights = list(model.parameters())
            here = [w.to_local() if isinstance(w, DTensor) else w for w in weights]
            both = [sum(w.numel() for w in some) for some in (here, weights)]
            seen.append([get_world_size(), *both])
            (folder / f"shards{get_rank()}.json").write_text(json.dumps(seen))
            if (method, state.global_step) == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

        return after

    for method in ("on_step_end", "on_train_end"):
        setattr(Recorder, method, noting(method))


def arm(folder: Path, model: Path, method: str, dies_at: tuple[str, int] | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    watch(folder, dies_at)
    settings, problems = METHODS[method]
    train(folder, method, str(model), settings, problems(), **STUDY.get(method, {}))


def run(
    folder: Path, model: Path, method: str, *, processes: int = 2,
    shards: dict[str, str] | None = SHARDS, dies_at: tuple[str, int] | None = None,
) -> Path:  # fmt: skip
    """Train one arm under FSDP2 (`shards` None: with whole copies); returns its run folder."""
    job = partial(arm, folder, model, method, dies_at)
    if dies_at:
        with pytest.raises(BrokenProcessPool):
            run_shared(job, processes, shards)
    else:
        run_shared(job, processes, shards)
    return folder / "seed0" / method


def noted(folder: Path) -> list[list[list[int]]]:
    """Of each process of the last training there: at every update, and behind the last one, the
    number of processes, weights held here, weights."""
    return [json.loads(file.read_text()) for file in sorted(folder.glob("shards*.json"))]


def really_sharded(folder: Path) -> bool:
    """Two processes held half of the weights each, all the time."""
    return all(
        world == 2 and here + there == every and abs(here - there) < 0.1 * every
        for (world, here, every), (_, there, _) in zip(*noted(folder), strict=True)
    )


def weights(run: Path) -> bytes:
    (file,) = (run / "model").glob("*.safetensors")
    return file.read_bytes()


def result(run: Path) -> list[Any]:
    """All that must be equal bit for bit."""
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["status"] == "complete"
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    metrics = [{k: v for k, v in one.items() if k not in ("time", "seconds")} for one in lines]
    return [weights(run), (run / "evaluation.json").read_text(), metrics, manifest["final_state"]]


@pytest.fixture(scope="module")
def undisturbed(half_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One sharded run of each method, made when it is first asked for."""

    class Runs(dict[str, Path]):
        def __missing__(self, method: str) -> Path:
            folder = tmp_path_factory.mktemp(method)
            self[method] = run(folder, half_trained, method)
            assert really_sharded(folder)
            assert list(map(len, noted(folder))) == [5, 5]
            return self[method]

    return Runs()


@pytest.mark.parametrize("method", ["grpo", "sft"])
def test_a_sharded_run_is_that_of_whole_copies(
    half_trained: Path, tmp_path: Path, undisturbed: dict[str, Path], method: str
):
    sharded = undisturbed[method]
    whole = run(tmp_path, half_trained, method, shards=None)
    assert all(here == every for rank in noted(tmp_path) for _, here, every in rank)
    assert json.loads((sharded / "run.json").read_text())["sharding"] == "fsdp2"
    found, expected = (load_file(one / "model/model.safetensors") for one in (sharded, whole))
    start = load_file(half_trained / "model.safetensors")
    assert found.keys() == expected.keys() == start.keys()
    for name, tensor in expected.items():
        moved = float((tensor - start[name]).norm())
        assert moved > 0
        assert float((found[name] - tensor).norm()) < 0.02 * moved, name
    assert (sharded / "evaluation.json").read_text() == (whole / "evaluation.json").read_text()


KILLED = [
    pytest.param("games", SHARDS, ("on_step_end", 3), marks=pytest.mark.torture),
    pytest.param("sft", ONE_FILE, ("on_step_end", 3), marks=pytest.mark.torture),
    pytest.param("lora", SHARDS, ("on_step_end", 3), marks=pytest.mark.torture),
    pytest.param("lora", SHARDS, ("on_train_end", 4), marks=pytest.mark.torture),
    ("grpo", ONE_FILE, ("on_train_end", 4)),
]  # fmt: skip
"""Also behind the last update, where the weights are read without being sharded."""


@pytest.mark.parametrize(
    ("method", "shards", "dies_at"), KILLED,
    ids=lambda value: value.get("FSDP_STATE_DICT_TYPE") if isinstance(value, dict) else str(value),
)  # fmt: skip
def test_a_killed_sharded_run_ends_as_an_undisturbed_one(
    half_trained: Path, tmp_path: Path, undisturbed: dict[str, Path], method, shards, dies_at
):
    torn = run(tmp_path, half_trained, method, shards=shards, dies_at=dies_at)
    assert json.loads((torn / "run.json").read_text())["status"] != "complete"
    run(tmp_path, half_trained, method, shards=shards)
    assert really_sharded(tmp_path)
    late = dies_at[0] == "on_train_end"
    assert len(noted(tmp_path)[0]) == (5 if late else 3), "it goes on from the checkpoint"
    assert result(torn) == result(undisturbed[method])


@pytest.mark.parametrize(
    ("first", "then"), [((2, SHARDS), (1, None)), ((1, None), (2, None)), ((2, None), (1, None))]
)
def test_a_run_goes_on_with_another_number_of_processes(
    half_trained: Path, tmp_path: Path, first, then
):
    dies_at = ("on_step_end", 3)
    torn = run(tmp_path, half_trained, "grpo", processes=first[0], shards=first[1], dies_at=dies_at)
    state = json.loads((torn / "checkpoints/checkpoint-2/rlskills.json").read_text())
    run(tmp_path, half_trained, "grpo", processes=then[0], shards=then[1])
    assert [held[0] for held in noted(tmp_path)[0]] == [then[0]] * 3
    manifest = json.loads((torn / "run.json").read_text())
    assert manifest["status"] == "complete"
    assert state["budget"]["rollouts"] == 2 * 32
    assert manifest["budget"]["rollouts"] == 4 * 32
    assert sum(manifest["final_state"]["position"].values()) == 4 * 8
    records = [json.loads(line) for line in (torn / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [0, 1, 2, 3, 4]
    assert [record["rollouts"] for record in records] == [0, 32, 64, 96, 128]


WORDS = [
    "run", "grpo", "--env", "string_transform?preset=tiny", "--levels", "1", "--eval-tasks", "3",
    "--machine.threads", "1", "--machine.attention", "eager", "--machine.precision", "medium",
    "--cold-start.max-steps", "2", "--cold-start.batch-size", "6", "--rl.max-steps", "4",
    "--rl.prompts-per-step", "4", "--rl.eval-every", "2", "--rl.save-every", "1",
    "--rl.treatments", "grpo?zero_variance=keep", "--output",
]  # fmt: skip


@pytest.mark.torture
def test_a_recipe_that_is_killed_under_a_launcher_ends_as_an_undisturbed_one(tmp_path: Path):
    run_shared(partial(main, [*WORDS, str(tmp_path / "whole")]), 2, SHARDS)
    program = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    program += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "127.0.0.1:0"]
    program += [str(Path(__file__).with_name("accelerated.py")), "fsdp2"]
    program += [*WORDS, str(tmp_path / "torn")]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'envs'}:{ROOT / 'recipes'}", "OMP_NUM_THREADS": "1"}
    launched = subprocess.Popen(program, env=os.environ | paths)
    torn, whole = tmp_path / "torn/seed0", tmp_path / "whole/seed0"
    while not (torn / "grpo/checkpoints/checkpoint-2").exists():
        assert launched.poll() is None
        time.sleep(0.02)
    for process in [psutil.Process(launched.pid), *psutil.Process(launched.pid).children(True)]:
        process.kill()
    launched.wait()
    for name, status in {"base": "complete", "grpo": "running"}.items():
        manifest = json.loads((torn / name / "run.json").read_text())
        assert (manifest["status"], manifest["processes"]) == (status, 2)
        assert manifest["sharding"] == "fsdp2"
    run_shared(partial(main, [*WORDS, str(tmp_path / "torn")]), 2, SHARDS)
    for name in ("base", "grpo"):
        assert result(torn / name) == result(whole / name)
    records = (torn / "grpo/metrics.jsonl").read_text().splitlines()
    assert sum("eval/string_transform/L1/greedy" in record for record in records) == 3
