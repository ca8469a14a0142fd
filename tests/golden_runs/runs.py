"""The runs behind the golden file; the one part of it that knows how a run is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from rlskills import environments
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import Evaluation
from rlskills.experiments.arms import EvalPlan
from rlskills.experiments.experiment import Experiment
from rlskills.models.kernels import Kernels, use_threads
from rlskills.training.settings import GRPOSettings, RFTSettings, SFTSettings, Training
from rlskills.training.stream import TaskStream, taught, uniform, units_of
from rlskills_envs.function_guess import FunctionGuess

from tests.training.small import Bits  # isort: skip

SFT = SFTSettings(max_steps=4, batch_size=16, learning_rate=3e-3, eval_every=2, save_every=2)
GRPO = GRPOSettings(
    max_steps=5,
    prompts_per_step=8,
    group_size=4,
    max_new_tokens=6,
    learning_rate=1e-3,
    eval_every=2,
    save_every=2,
    gradient_accumulation_steps=2,
)
RFT = RFTSettings(
    max_steps=4,
    prompts_per_step=8,
    group_size=4,
    max_new_tokens=6,
    learning_rate=1e-3,
    eval_every=2,
    save_every=2,
    max_per_prompt=2,
    skip_solved=True,
)


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
    "grpo_refill": (replace(GRPO, dead_groups="refill", max_rounds=2), lambda: _bits(6)),
    "rft": (RFT, lambda: _bits(7)),
    "games_base": (
        replace(SFT, max_steps=40, learning_rate=1e-2, eval_every=0, save_every=80),
        lambda: uniform(_guess(), "train", (1, 2), 1),
    ),
    "games": (
        replace(GRPO, max_steps=3, max_new_tokens=30), lambda: uniform(_guess(), "train", (1, 2), 0)
    ),
    "default": (GRPO, _under("default?window=8")),
    "gate": (GRPO, _under("dapo?batches=2")),
    "units": (
        replace(GRPO, max_steps=3, max_new_tokens=12),
        lambda: taught(units_of(_calls(), "train", (1, 2)), "sec", 1),
    ),
}  # fmt: skip

BASES = {"base": "", "games_base": "base", "games": "games_base"}
"""What a run starts from where that is not `base`; nothing stands for an untrained model."""


def train(name: str, folder: Path) -> list[Any]:
    """Train one run, the base first, in `folder`/seed0; the addresses of its tasks as drawn."""
    use_threads(1)
    settings, make_stream = RUNS[name]
    eval_plan = EvalPlan(
        make_eval_sets({"all": Bits()}, (1, 2), 8), Evaluation(6, 2), curve_tasks=4
    )
    kernels = Kernels("eager", "highest")
    experiment = Experiment(
        folder / "seed0", 0, eval_plan, kernels, Console(quiet=True), {"golden": 1}
    )
    base = BASES.get(name, "base")
    base = experiment.model(base) if base else experiment.start("tiny")
    stream, drawn = make_stream(), []
    draw = stream.draw

    def noted(*args: Any, **options: Any) -> Any:
        found = draw(*args, **options)
        drawn.extend([one.task.env, one.task.level, one.task.index, one.task.key] for one in found)
        return found

    stream.draw = noted  # pyright: ignore[reportAttributeAccessIssue]
    experiment.run(name, "answers", base, settings, stream)
    return drawn
