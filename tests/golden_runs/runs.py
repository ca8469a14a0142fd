"""The runs behind the golden file; the one part of it that knows how a run is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rlskills import environments
from rlskills.console import Console
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.experiments import ArmConfig, EvalConfig, Machine, RunConfig, Study, Supervision
from rlskills.experiments.runner import run_study
from rlskills.training.settings import RLSettings, SFTSettings, Training
from rlskills.training.stream import TaskStream, taught, uniform, units_of
from rlskills_envs.function_guess import FunctionGuess

from tests.training.small import Bits  # isort: skip

SFT = SFTSettings(max_steps=4, batch_size=16, learning_rate=3e-3, eval_every=2, save_every=2)
GRPO = RLSettings(
    max_steps=5,
    prompts_per_step=8,
    group_size=4,
    max_new_tokens=6,
    learning_rate=1e-3,
    eval_every=2,
    save_every=2,
    gradient_accumulation_steps=2,
)
RFT = replace(
    GRPO,
    max_steps=4,
    gradient_accumulation_steps=1,
    treatments=("rft?max_per_prompt=2&skip_solved=true",),
)
REFILL = ("grpo", "dynamic_sampling?max_resamples=1")


def _calls() -> environments.Environment:
    return environments.load("string_transform", preset="tiny", functions="train")


def _guess() -> environments.Environment:
    return FunctionGuess(preset="tiny", pool=4, reward={"answer": 1.0, "queries": 0.1})


def _bits(seed: int) -> TaskStream:
    return uniform(Bits(), "train", (1, 2), seed)


def _under(spec: str) -> Callable[[], TaskStream]:
    return lambda: taught(units_of(Bits(), "train", (1, 2)), spec, 1)


RUNS: dict[str, tuple[Training, Callable[[], TaskStream]]] = {
    "base": (
        replace(SFT, max_steps=40, batch_size=32, eval_every=20, save_every=50), lambda: _bits(0)
    ),
    "sft_worked": (replace(SFT, optimizer="muon"), lambda: uniform(_calls(), "train", (1, 2), 3)),
    "sft_answers": (
        replace(SFT, target="answer", gradient_accumulation_steps=2),
        lambda: uniform(_calls(), "train", (2,), 3),
    ),
    "grpo": (GRPO, lambda: _bits(5)),
    "grpo_refill": (replace(GRPO, treatments=REFILL), lambda: _bits(6)),
    "rft": (RFT, lambda: _bits(7)),
    "games_base": (
        replace(SFT, max_steps=40, learning_rate=1e-2, eval_every=0, save_every=80),
        lambda: uniform(_guess(), "train", (1, 2), 1),
    ),
    "games": (
        replace(GRPO, max_steps=3, max_new_tokens=30), lambda: uniform(_guess(), "train", (1, 2), 0)
    ),
    "default": (GRPO, _under("default?window=8")),
    "gate": (GRPO, _under("dapo?max_resamples=2")),
    "units": (
        replace(GRPO, max_steps=3, max_new_tokens=12),
        lambda: taught(units_of(_calls(), "train", (1, 2)), "sec", 1),
    ),
}  # fmt: skip

BASES = {"base": "", "games_base": "base", "games": "games_base"}
"""What a run starts from where that is not `base`; nothing stands for an untrained model."""


def train(name: str, folder: Path) -> list[Any]:
    """Train one run, the base first, in `folder`/seed0; the addresses of its tasks as drawn."""
    settings, make_stream = RUNS[name]
    stream, drawn = make_stream(), []
    draw = stream.draw

    def noted(*args: Any, **options: Any) -> Any:
        found = draw(*args, **options)
        drawn.extend([one.task.env, one.task.level, one.task.index, one.task.key] for one in found)
        return found

    stream.draw = noted  # pyright: ignore[reportAttributeAccessIssue]
    start = BASES.get(name, "base")
    arms = [ArmConfig(name, Supervision.NONE, settings, stream, start)]
    while arms[0].start:
        start = arms[0].start
        settings, make_stream = RUNS[start]
        base = ArmConfig(start, Supervision.NONE, settings, make_stream(), BASES.get(start, "base"))
        arms.insert(0, base)
    eval_sets = tuple(make_eval_sets({"all": Bits()}, (1, 2), 8))
    study = Study("golden", "", tuple(arms), eval_sets, EvalConfig(6, 2), curve_tasks=4)
    machine = Machine(threads=1, attention="eager", precision="highest")
    run_study(study, RunConfig(output=folder, machine=machine), Console(quiet=True))
    return drawn
