"""Callbacks that turn what a trainer reports into our tags, and evaluate on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..runs.metrics import Budget, MetricWriter

RENAMED = {
    "loss": "train/loss",
    "grad_norm": "train/grad_norm",
    "learning_rate": "train/learning_rate",
    "entropy": "train/entropy",
    "kl": "train/kl",
    "reward": "train/reward",
    "reward_std": "train/reward_std",
    "completions/mean_length": "train/response_length",
    "completions/clipped_ratio": "train/truncated",
    "mean_token_accuracy": "train/token_accuracy",
}
"""The library's names and ours; those with `train/` or `curriculum/` in front pass as they are."""


class Recorder(TrainerCallback):
    """Writes one record an update, with the budgets, and evaluates every `eval_every` updates."""

    def __init__(
        self,
        writer: MetricWriter,
        budget: Budget,
        evaluate: Callable[[], dict[str, float]] | None,
        eval_every: int,
        advance: Callable[[int, str], None],
    ) -> None:
        self.writer = writer
        self.budget = budget
        self.evaluate = evaluate
        self.eval_every = eval_every
        self.advance = advance
        self.started = 0.0

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock of this update."""
        self.started = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop the clock."""
        self.budget.seconds += time.perf_counter() - self.started

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Record, evaluate if it is time, and move the progress bar."""
        if not state.is_world_process_zero or logs is None or "loss" not in logs:
            return
        step = state.global_step
        metrics = {
            RENAMED.get(name, name): float(value)
            for name, value in logs.items()
            if value is not None and (name in RENAMED or name.startswith(("train/", "curriculum/")))
        }
        last = step == args.max_steps
        if self.evaluate and (last or (self.eval_every and step % self.eval_every == 0)):
            metrics |= self.evaluate()
        self.writer.log(step, self.budget, metrics)
        shown = metrics.get("train/accuracy", metrics.get("train/token_accuracy"))
        self.advance(step, "" if shown is None else f"accuracy {shown:.2f}")
