"""Rival arms from one base model: the part of a comparison that every recipe shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from ..evaluation.probes import probes_digest
from ..models.kernels import Kernels, use_threads
from ..models.loading import identity_of
from ..models.tiny import save_tiny
from ..runs.folder import RunFolder
from .arms import Probing, measure_arm, train_arm
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
        folder = self.folder / "untrained"
        return str(save_tiny(folder, self.seed)) if model == "tiny" else model

    def run(self, arm: str, told: str, base: str, settings: Training, stream: TaskStream) -> str:
        """Train one arm from `base` and return its model folder; a finished one is reused.

        `told` says in the tables what the arm learns from: answers, or every step.
        """
        settings = replace(settings, seed=self.seed)
        run = self._open(arm, told, base, {"settings": asdict(settings)})
        train_arm(run, base, stream, settings, self.probing, self.kernels, self.console)
        return str(run.model)

    def measure(self, arm: str, told: str, base: str) -> str:
        """Evaluate a model as it is, as an arm of its own, and return it."""
        run = self._open(arm, told, base, {})
        measure_arm(run, base, self.probing, self.kernels, self.console)
        return base

    def _open(self, arm: str, told: str, base: str, config: Mapping[str, Any]) -> RunFolder:
        config = {
            "base": identity_of(base),
            "probes": probes_digest(self.probing.probes),
            "evaluation": asdict(self.probing.how),
            **config,
            **self.about,
        }
        return RunFolder.open(
            self.folder / arm, arm=arm, config=config, seed=self.seed, information=told
        )
