"""Where the time of an update goes, by wrapping calls; no trainer is changed for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from transformers import TrainerCallback

from .contestants import Ready

PARTS = ("decode", "forward", "backward", "optimizer", "rest")
"""Sampling tokens; the loss; its gradients; clipping them and the optimizer's step; everything
else: drawing, encoding, grading, advantages, padding, logs."""


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done all that it was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Meter(TrainerCallback):
    """Adds up the seconds of every part but the rest, in `spent`, over the updates that count.

    Processor seconds, on a GPU wall seconds: there the processor only waits. The calls are wrapped
    whole, a handful in each update, so that looking costs nothing that could be measured.
    """

    def __init__(self, ready: Ready, warmup: int) -> None:
        """The first `warmup` updates do not count."""
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

        @wraps(method)  # with what a schedule has marked it with
        def timed(*args: Any, **kwargs: Any) -> Any:
            synchronise(self.device)
            began = self.clock()
            result = method(*args, **kwargs)
            synchronise(self.device)
            if self.counting:
                self.spent[part] += self.clock() - began
            return result

        setattr(owner, name, timed)
