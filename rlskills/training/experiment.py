"""Rival arms from one base model: the part of a comparison that every recipe shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from accelerate import PartialState
from rich.console import Console

from ..evaluation.probes import probes_digest
from ..models.kernels import Kernels, use_threads
from ..models.loading import identity_of
from ..models.tiny import save_tiny
from .arms import Arm, Probing, open_run
from .settings import Training
from .stream import TaskStream


@dataclass(frozen=True)
class Machine:
    """How to use this machine."""

    threads: int = 0
    """CPU threads; 0 takes the physical cores. One thread makes runs repeatable bit for bit."""
    attention: str = "auto"
    """auto (a short probe), eager, sdpa or flash_attention_2."""
    precision: str = "auto"
    """Float32 matrix products: auto, highest, high or medium."""

    def kernels(self, console: Console) -> Kernels:
        """Take this many threads, say so, and return the kernels asked for."""
        console.print(f"computing on {use_threads(self.threads)} CPU threads", highlight=False)
        return Kernels(self.attention, self.precision)


@dataclass(frozen=True)
class Experiment:
    """Arms of one seed in one folder, measured on the same probes."""

    folder: Path
    seed: int
    probing: Probing
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
        settings = replace(settings, seed=self.seed)
        found = self._arm(arm, told, base, {"settings": asdict(settings)})
        if found:
            found.train(stream, settings)
        return str(self.folder / arm / "model")

    def measure(self, arm: str, told: str, base: str) -> str:
        """Evaluate a model as it is, as an arm of its own, and return it."""
        found = self._arm(arm, told, base, {})
        if found:
            found.measure()
        return base

    def _arm(self, arm: str, told: str, base: str, config: Mapping[str, Any]) -> Arm | None:
        """The arm, or None if its run is complete."""
        config = {
            "base": identity_of(base),
            "probes": probes_digest(self.probing.probes),
            "evaluation": asdict(self.probing.how),
            **config,
            **self.about,
        }
        path = self.folder / arm
        run, kernels = open_run(path, arm, config, self.seed, told, self.kernels)
        if run.complete:
            self.console.print(f"{path}: complete, reused", highlight=False, soft_wrap=True)
            return None
        return Arm(run, base, self.probing, kernels, self.console)
