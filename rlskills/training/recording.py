"""Callbacks that turn what a trainer reports into our tags, and evaluate on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from .. import stopping
from ..runs.metrics import Budget, MetricWriter
from .batch import Rollout, RolloutBatch

RENAMED = {
    "loss": "train/loss",
    "grad_norm": "train/grad_norm",
    "learning_rate": "train/learning_rate",
    "entropy": "train/entropy",
    "kl": "train/kl",
    "mean_token_accuracy": "train/token_accuracy",
}
"""The library's names and ours; those with a prefix of ours pass as they are."""
OURS = ("train/", "curriculum/", "treatment/")


class Recorder(TrainerCallback):
    """Writes a record per update, with the budgets, and evaluates every `eval_every` updates."""

    def __init__(
        self,
        writer: MetricWriter | None,
        budget: Budget,
        evaluate: Callable[[int], dict[str, float]] | None,
        eval_every: int,
        advance: Callable[[int, str], None],
        sampled: Callable[[], Sequence[Mapping[str, Any]]] | None = None,
        ended: Callable[[int, int], bool] | None = None,
    ) -> None:
        """`evaluate` (of a step) and `sampled` (rollouts of the last update) are asked every
        `eval_every`; `ended`, of steps and rollouts, says whether that was the last update.

        Every process has a recorder, for all of them evaluate; only the main one has a `writer`.
        """
        self.writer = writer
        self.budget = budget
        self.evaluate = evaluate
        self.eval_every = eval_every
        self.advance = advance
        self.sampled = sampled
        self.ended = ended
        self.started = 0.0

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        """Evaluate what a run begins with; its weights are where training will have them."""
        if state.global_step == 0 and self.evaluate:
            first = self.evaluate(0)
            if self.writer:
                self.writer.log(0, self.budget, first)

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        """Start the clock of this update."""
        self.started = time.perf_counter()

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        """Stop the clock; the end, if that was the last update, or it was asked for meanwhile."""
        self.budget.seconds += time.perf_counter() - self.started
        if self.ended and self.ended(state.global_step, self.budget.rollouts):
            control.should_training_stop = True
        stopping.check()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: object,
    ) -> None:
        """Record, evaluate if it is time, and move the progress bar."""
        if logs is None or "loss" not in logs:
            return
        step = state.global_step
        metrics = {
            RENAMED.get(name, name): float(value)
            for name, value in logs.items()
            if value is not None and (name in RENAMED or name.startswith(OURS))
        }
        last = step == args.max_steps or control.should_training_stop
        if self.evaluate and (last or (self.eval_every and step % self.eval_every == 0)):
            metrics |= self.evaluate(step)
            if self.writer and self.sampled and (rollouts := self.sampled()):
                self.writer.samples(step, rollouts)
        if self.writer:
            self.writer.log(step, self.budget, metrics)
        shown = metrics.get("train/accuracy", metrics.get("train/token_accuracy"))
        self.advance(step, "" if shown is None else f"accuracy {shown:.2f}")


def rollout_records(batch: RolloutBatch, number: int) -> list[dict[str, Any]]:
    """One mapping for each rollout of a round, for the rollout log; `number` counts its rounds."""
    return [
        {
            "round": number,
            "group": rollout.group,
            "env": rollout.task.env,
            "split": rollout.task.split,
            "level": rollout.task.level,
            "index": rollout.task.index,
            "key": rollout.task.key,
            "skills": list(rollout.task.skills),
            "unit": rollout.choice.unit,
            "origin": rollout.origin,
            "prompt": rollout.task.text,
            "completion": rollout.text,
            "correct": rollout.score.correct,
            "reward": rollout.score.reward,
            "shaped_reward": None if math.isnan(rollout.reward) else rollout.reward,
            "status": rollout.score.status,
            "parts": dict(rollout.score.parts),
            "tokens": rollout.sampled,
            "truncated": rollout.truncated,
            "advantage": Rollout.advantages.mean(rollout),
            "kept": rollout.kept,
        }
        for rollout in batch
    ]
