"""Rival arms from one base model: the part of a comparison that every recipe shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from rich.console import Console

from ..evaluation.eval_sets import eval_sets_digest
from ..models.kernels import Kernels, default_device, use_threads
from ..models.loading import identity_of
from ..models.tiny import save_tiny
from ..training.settings import Training
from ..training.stream import TaskStream
from .arms import Arm, EvalPlan, open_run
from .side_by_side import run_side_by_side


@dataclass(frozen=True)
class Machine:
    """How to use this machine."""

    threads: int = 0
    """CPU threads; 0 takes the physical cores. One thread makes runs repeatable bit for bit."""
    attention: str = "auto"
    """auto (a short timing), eager, sdpa or flash_attention_2."""
    precision: str = "auto"
    """Float32 matrix products: auto, highest, high or medium."""
    arms_at_once: int = 0
    """Rival arms trained side by side on one thread each; 0: as many as threads, on a GPU one."""

    @property
    def together(self) -> int:
        """How many arms to train at once."""
        alone = default_device() != "cpu" or PartialState().num_processes > 1
        return self.arms_at_once or (1 if alone else torch.get_num_threads())

    def kernels(self, console: Console) -> Kernels:
        """Take this many threads, say so, and return the kernels asked for."""
        # The first to ask decides; unasked, a launcher's processes on a CPU would not be a group.
        PartialState(cpu=default_device() == "cpu")
        console.print(f"computing on {use_threads(self.threads)} CPU threads", highlight=False)
        return Kernels(self.attention, self.precision)


@dataclass(frozen=True)
class Rival:
    """One arm of a comparison: its name, what it is told, its method and its problems."""

    arm: str
    told: str
    settings: Training
    stream: TaskStream
    about: Mapping[str, Any] = field(default_factory=dict)
    """What else makes this arm this one, e.g. how its problems are chosen; part of its hash."""


@dataclass(frozen=True)
class Experiment:
    """Arms of one seed in one folder, measured on the same eval sets."""

    folder: Path
    seed: int
    eval_plan: EvalPlan
    kernels: Kernels
    console: Console
    about: Mapping[str, Any]
    """What else makes this experiment this one; saved with every arm and part of its hash."""

    def start(self, model: str) -> str:
        """A model name or folder to begin with; `tiny` is made from scratch for this seed."""
        if model != "tiny":
            return model
        folder = self.folder / "untrained"
        with PartialState().main_process_first():
            if PartialState().is_main_process:
                save_tiny(folder, self.seed)
        return str(folder)

    def run(self, arm: str, told: str, base: str, settings: Training, stream: TaskStream) -> str:
        """Train one arm from `base` and return its model folder; a finished one is reused.

        `told` says in the tables what the arm learns from: answers, or every step.
        """
        return self.rival(Rival(arm, told, settings, stream), base)

    def rival(self, one: Rival, base: str) -> str:
        """The same, for an arm that says more about itself."""
        found = self._arm(one.arm, one.told, base, self._method(one))
        if found:
            found.train(one.stream, replace(one.settings, seed=self.seed))
        return self.model(one.arm)

    def model(self, arm: str) -> str:
        """Folder of the model that an arm ends with."""
        return str(self.folder / arm / "model")

    def rivals(self, rivals: Sequence[Rival], base: str, at_once: int) -> None:
        """Train several arms from `base`, `at_once` of them side by side; finished ones are reused.

        Side by side every arm has one CPU thread; one after the other, all of them.
        """
        if at_once == 1:
            for one in rivals:
                self.rival(one, base)
            return
        pending = [one for one in rivals if self._arm(one.arm, one.told, base, self._method(one))]
        if pending:
            jobs = [partial(self.rival, one, base) for one in pending]
            run_side_by_side(jobs, min(at_once, len(jobs)), threads=1)

    def __getstate__(self) -> dict[str, Any]:
        """Without the console: another process writes plain lines of its own."""
        return {name: value for name, value in vars(self).items() if name != "console"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state, console=Console(force_terminal=False))

    def measure(self, arm: str, told: str, base: str) -> str:
        """Evaluate a model as it is, as an arm of its own, and return it."""
        found = self._arm(arm, told, base, {})
        if found:
            found.measure()
        return base

    def _method(self, one: Rival) -> dict[str, Any]:
        return {"settings": asdict(replace(one.settings, seed=self.seed)), **one.about}

    def _arm(self, arm: str, told: str, base: str, method: Mapping[str, Any]) -> Arm | None:
        """The arm, or None if its run is complete."""
        config = {
            "base": identity_of(base),
            "eval_sets": eval_sets_digest(self.eval_plan.eval_sets),
            "evaluation": asdict(self.eval_plan.how),
            **method,
            **self.about,
        }
        path = self.folder / arm
        run, kernels = open_run(path, arm, config, self.seed, told, self.kernels)
        if run.complete:
            self.console.print(f"{path}: complete, reused", highlight=False, soft_wrap=True)
            return None
        return Arm(run, base, self.eval_plan, kernels, self.console)
