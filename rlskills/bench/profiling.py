"""The operators of one update, from torch's profiler."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from transformers import TrainerCallback

from ..models.kernels import Kernels
from .contestants import Contestant
from .start import Start
from .timing import turn
from .work import Work


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
                order = "self_device_time_total" if on_gpu else "self_cpu_time_total"
                averages = self.profile.key_averages()
                found.append(averages.table(sort_by=order, row_limit=rows))

    two = replace(work, settings=replace(work.settings, max_steps=2))
    turn(contestant, start, kernels, two, 1, prepare=lambda r: r.trainer.add_callback(Profiled()))
    return found[0]
