"""Turns of the contestants: whole updates, timed from the end of one to the end of the next."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import TrainerCallback

from ..models.kernels import Kernels
from .contestants import Contestant, Ready
from .memory import Peak
from .parts import Meter, synchronise
from .start import Start
from .work import Work


@dataclass(frozen=True)
class Turn:
    """What a contestant did in one turn, its first updates left out; seconds are of all updates."""

    contestant: str
    round: int
    updates: int
    completions: int
    tokens: int
    """Sampled ones."""
    cpu: float
    """Processor seconds of this process, of all threads."""
    wall: float
    zero_variance: float
    """Share of groups whose rewards are all alike, in the mean over the updates."""
    peak: int
    """Bytes: on a GPU of its tensors, else of the process; 0 where it cannot be told."""
    parts: dict[str, float]
    """Seconds by `PARTS`, processor time or on a GPU wall time; they add up to the whole."""

    @property
    def per_cpu_second(self) -> float:
        """Completions."""
        return self.completions / self.cpu

    @property
    def per_second(self) -> float:
        """Completions per second of wall time."""
        return self.completions / self.wall


class Clock(TrainerCallback):
    """Notes the time at the end of every update; on a GPU when it has finished what it was told."""

    def __init__(self, tokens: Callable[[], int], device: torch.device) -> None:
        self.tokens = tokens
        self.device = device
        self.times: list[tuple[float, float, int]] = []

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """Processor seconds, wall seconds, tokens sampled so far."""
        synchronise(self.device)
        self.times.append((time.process_time(), time.perf_counter(), self.tokens()))


Prepare = Callable[[Ready], Any]
"""Is shown a trainer before it begins."""


def turn(
    contestant: Contestant,
    start: Start,
    kernels: Kernels,
    work: Work,
    warmup: int,
    number: int = 0,
    prepare: Prepare | None = None,
) -> Turn:
    """`work.settings.max_steps` updates of a contestant; the first `warmup`, at least 1, are left
    out."""
    loaded = start.load(kernels, work.settings.seed)
    with TemporaryDirectory() as folder:
        ready = contestant.ready(loaded, work, Path(folder))
        clock = Clock(ready.tokens, loaded.device)
        ready.trainer.add_callback(clock)
        meter = Meter(ready, warmup)
        ready.trainer.add_callback(meter)
        if prepare:
            prepare(ready)
        with Peak(loaded.device) as peak:
            ready.trainer.train()
        ready.close()
        logged = [entry for entry in ready.trainer.state.log_history if "loss" in entry]
    (cpu, wall, tokens), (cpu_end, wall_end, tokens_end) = clock.times[warmup - 1], clock.times[-1]
    updates = len(clock.times) - warmup
    whole = wall_end - wall if loaded.device.type == "cuda" else cpu_end - cpu
    parts = meter.spent | {"rest": whole - sum(meter.spent.values())}
    dead = [entry[ready.zero_variance] for entry in logged[warmup:]]
    del ready, meter, loaded
    gc.collect()  # a trainer and what it is made of refer to each other
    return Turn(
        contestant.name, number, updates, updates * work.completions, tokens_end - tokens,
        cpu_end - cpu, wall_end - wall, sum(dead) / len(dead), peak.bytes, parts,
    )  # fmt: skip


def in_turn(
    contestants: Sequence[Contestant],
    start: Start,
    kernels: dict[str, Kernels],
    work: Work,
    warmup: int,
    rounds: int,
    done: Callable[[Turn], None],
) -> list[Turn]:
    """A turn of every contestant in each round, in reversed order in every other round.

    Each begins with the same weights. `kernels` are by contestant; `done` is told of every turn.
    """
    found = []
    for number in range(rounds):
        for contestant in contestants[:: -1 if number % 2 else 1]:
            one = turn(contestant, start, kernels[contestant.name], work, warmup, number)
            found.append(one)
            done(one)
    return found
