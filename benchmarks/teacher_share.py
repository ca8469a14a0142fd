"""How much of a training step the curriculum takes: GRPO on the tiny preset, stopwatch in hand.

    python benchmarks/teacher_share.py [--model FOLDER] [--updates 10] [names ...]

trains on the pool of the recipe `curricula` (176 units) and prints, for each curriculum, seconds
of an update, milliseconds of them in its `sample`, `observe` and `probabilities`, and the share.
An untrained model, the default, fails fast; a trained one (`--model`) writes longer answers.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro
from transformers import PrinterCallback

from rlskills.models import choose_kernels
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.models.tiny import save_tiny
from rlskills.training.stream import taught
from rlskills.training.trl import RLTrainer
from rlskills_recipes import curricula
from rlskills_recipes.pools import mixed_pool


@dataclass
class Config:
    """Which curricula, from which model."""

    names: tyro.conf.Positional[tuple[str, ...]] = ("default", "mopps", "alp_gmm", "dapo")
    model: str = ""
    updates: int = 10
    prompts: int = 32


def timed(spent: list[float], method: Callable[..., Any]) -> Callable[..., Any]:
    """The same method, with the seconds of each call added to `spent`."""

    def call(*args: Any) -> Any:
        start = time.perf_counter()
        try:
            return method(*args)
        finally:
            spent.append(time.perf_counter() - start)

    return call


def main(config: Config) -> None:
    """Train under each curriculum, and print a line."""
    choose_kernels.use_threads(1)
    how = Kernels("eager", "medium")
    choose_kernels.apply(how)
    settings = replace(
        curricula.Config().grpo,
        max_steps=config.updates,
        prompts_per_step=config.prompts,
        save_every=10**6,
    )
    print("curriculum        s an update  teacher, ms an update  share")
    with tempfile.TemporaryDirectory() as folder:
        model = config.model or str(save_tiny(Path(folder) / "tiny", 0))
        for name in config.names:
            stream = taught(mixed_pool().units, name, 0)
            spent: list[float] = []
            for method in ("sample", "observe", "probabilities"):
                setattr(stream.curriculum, method, timed(spent, getattr(stream.curriculum, method)))
            trainer = RLTrainer(load(model, how), stream, settings,
                           Path(folder) / name)  # fmt: skip
            trainer.remove_callback(PrinterCallback)
            start = time.perf_counter()
            trainer.train()
            each, teacher = (
                seconds / config.updates for seconds in (time.perf_counter() - start, sum(spent))
            )
            share = teacher / each
            print(f"{name:16} {each:12.3f} {1e3 * teacher:22.2f} {share:7.2%}", flush=True)


if __name__ == "__main__":
    main(tyro.cli(Config))
