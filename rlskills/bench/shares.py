"""Where the time of an update goes, by wrapping calls; no trainer is changed for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from transformers import TrainerCallback

from ..models.kernels import Kernels
from .contestants import Contestant, Ready
from .start import Start
from .timing import Turn, synchronise, turn
from .work import Work

PARTS = ("decode", "forward", "backward", "optimizer", "rest")
"""Sampling tokens; the loss; its gradients; clipping them and the optimizer's step; everything
else: drawing, encoding, grading, advantages, padding, logs."""


@dataclass(frozen=True)
class Shares:
    """Seconds of an update by part, in the mean; they add up to the whole."""

    contestant: str
    seconds: dict[str, float]
    unit: str
    """`cpu`, or on a GPU `wall`: the processor then only waits."""

    @property
    def whole(self) -> float:
        """Seconds of an update."""
        return sum(self.seconds.values())


class _Meter(TrainerCallback):
    """Adds up the seconds of wrapped calls from the end of update `warmup` on."""

    def __init__(self, ready: Ready, warmup: int) -> None:
        self.ready, self.warmup = ready, warmup
        self.device = ready.trainer.accelerator.device
        self.clock = time.perf_counter if self.device.type == "cuda" else time.process_time
        self.spent: dict[str, float] = dict.fromkeys(PARTS[:-1], 0.0)
        self.counting = False
        trainer = ready.trainer
        self._wrap(*ready.decoding, "decode")
        self._wrap(trainer, "compute_loss", "forward")
        self._wrap(trainer.accelerator, "backward", "backward")
        self._wrap(trainer.accelerator, "clip_grad_norm_", "optimizer")

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """The optimizer is there from here on."""
        self._wrap(self.ready.trainer.optimizer, "step", "optimizer")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Updates that warm up do not count; nor does what comes behind the last."""
        self.counting = self.warmup <= state.global_step < args.max_steps

    def _wrap(self, owner: Any, name: str, part: str) -> None:
        method: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            synchronise(self.device)
            began = self.clock()
            result = method(*args, **kwargs)
            synchronise(self.device)
            if self.counting:
                self.spent[part] += self.clock() - began
            return result

        setattr(owner, name, timed)


def shares_of(
    contestant: Contestant, start: Start, kernels: Kernels, work: Work, warmup: int
) -> Shares:
    """Those of a turn of its own, which takes no part in the comparison."""
    meters: list[_Meter] = []

    def prepare(ready: Ready) -> None:
        meters.append(_Meter(ready, warmup))
        ready.trainer.add_callback(meters[0])

    took = turn(contestant, start, kernels, work, warmup, prepare=prepare)
    return _shares(took, meters[0])


def _shares(took: Turn, meter: _Meter) -> Shares:
    wall = meter.device.type == "cuda"
    seconds = {part: spent / took.updates for part, spent in meter.spent.items()}
    whole = (took.wall if wall else took.cpu) / took.updates
    seconds["rest"] = whole - sum(seconds.values())
    return Shares(took.contestant, seconds, "wall" if wall else "cpu")


def profiled(
    contestant: Contestant, start: Start, kernels: Kernels, work: Work, rows: int = 40
) -> str:
    """A table of the operators of one update, the costliest first."""
    from torch.profiler import ProfilerActivity, profile

    found: list[str] = []

    class Profiled(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == args.max_steps - 1:
                kinds = [ProfilerActivity.CPU]
                kinds += [ProfilerActivity.CUDA] if kwargs["model"].device.type == "cuda" else []
                self.profile = profile(activities=kinds)
                self.profile.__enter__()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == args.max_steps:
                self.profile.__exit__(None, None, None)
                on_gpu = kwargs["model"].device.type == "cuda"
                order = "self_cuda_time_total" if on_gpu else "self_cpu_time_total"
                averages = self.profile.key_averages()
                found.append(averages.table(sort_by=order, row_limit=rows))

    two = replace(work, settings=replace(work.settings, max_steps=2))
    turn(contestant, start, kernels, two, 1, prepare=lambda r: r.trainer.add_callback(Profiled()))
    return found[0]
