"""Exact resume for Hugging Face trainers, whatever kills them.

Three things make a continued run equal to an undisturbed one: checkpoints appear whole or not at
all; what the trainer itself does not save (task stream, budgets, position in the generation cycle)
is saved beside it; and every step seeds the generators from its own number, so nothing hangs on
how often they were used before. Overridden, each calling `super()`: `training_step`,
`_get_output_dir`, `_save_checkpoint` and `_load_optimizer_and_scheduler`; and
`_load_from_checkpoint`, which loads as `from_pretrained` does; and `create_model_card`, which does
nothing.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import Trainer

from ..environments import seed_from
from ..runs.metrics import Budget
from .checkpoint import RECORD, STATE, publish
from .stream import TaskStream
from .weights import restore_weights

if TYPE_CHECKING:
    Host = Trainer
else:
    Host = object

STAGED = ".staged"


def read_state(checkpoint: Path) -> dict[str, Any]:
    """What was saved beside a checkpoint of the library."""
    return json.loads((checkpoint / STATE).read_text())


def restore(state: dict[str, Any], stream: TaskStream, budget: Budget) -> None:
    """Put the stream and the budgets back to where they stood when `state` was saved."""
    stream.load_state_dict(state["stream"])
    budget.__dict__.update(state["budget"])


class ExactResume(Host):
    """Mixin for a `Trainer` that draws from a `TaskStream`; put it before the trainer class."""

    stream: TaskStream
    budget: Budget
    keep_checkpoints: int = 2
    record: Path | None = None
    """The run's `metrics.jsonl`, on the process that writes it; a checkpoint holds a copy."""

    def own_state(self) -> dict[str, Any]:
        """What the library's trainer does not save, JSON-safe."""
        return {"stream": self.stream.state_dict(), "budget": asdict(self.budget)}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Continue where `own_state` was taken."""
        restore(state, self.stream, self.budget)

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Seed everything global from the step's number, then train."""
        micro = getattr(self, "_micro_step", 0)
        torch.manual_seed(
            seed_from(
                "step", self.args.seed, self.args.process_index, self.state.global_step, micro
            )
        )
        last = micro + 1 == self.args.gradient_accumulation_steps
        self._micro_step = 0 if last else micro + 1
        return super().training_step(model, inputs, num_items_in_batch)

    def _get_output_dir(self, trial: object) -> str:
        """Checkpoints are staged in a folder of their own and published when they are whole."""
        return str(Path(super()._get_output_dir(trial)) / STAGED)

    def _save_checkpoint(self, model: nn.Module, trial: object) -> None:
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if not self.args.should_save:
            return
        name = f"checkpoint-{self.state.global_step}"
        staged = Path(self._get_output_dir(trial)) / name
        (staged / STATE).write_text(json.dumps(self.own_state()))
        if self.record:
            shutil.copyfile(self.record, staged / RECORD)
        publish(staged, staged.parents[1] / name, self.keep_checkpoints)

    def create_model_card(self, *args: object, **kwargs: object) -> None:
        """None: a checkpoint is not a publication."""

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Every weight, also those that saving renames; sharded models load as the library does."""
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            restore_weights(self.accelerator.unwrap_model(model or self.model),
                            Path(resume_from_checkpoint))  # fmt: skip

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None:
            return
        self.load_own_state(read_state(Path(checkpoint)))
        # TRL counts micro-steps to know when to generate, and starts from 0 on a resume.
        self._step = self.state.global_step * self.args.gradient_accumulation_steps
