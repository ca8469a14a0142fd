"""Exact resume for Hugging Face trainers, whatever kills them.

Three things make a continued run equal to an undisturbed one: checkpoints appear whole or not at
all; what the trainer itself does not save (task stream, treatments, budgets, position in the cycle)
is saved beside it; and every step seeds the generators from its own number, so nothing hangs on
how often they were used before. Overridden, each calling `super()`: `training_step`,
`_get_output_dir`, `_save_checkpoint`, `_prepare_for_training` (where weights are sharded) and
`_load_optimizer_and_scheduler`; `create_accelerator_and_postprocess` (the precision of sharded
training); `_load_from_checkpoint`, which loads as `from_pretrained` does; and `create_model_card`,
which does nothing.

Under several processes all of them save, and the main one publishes what is whole. What follows
from a step's number and a process's is the same for any number of processes, so a run may go on
with more or fewer; it then ends as a run of its own, since they share the work otherwise.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import Trainer
from transformers.trainer import SCHEDULER_NAME

from ..environments import seed_from
from ..models.loaded import LoadedModel
from ..models.sharding import sharding
from ..runs.metrics import Budget
from .checkpoint import RECORD, STATE, publish
from .sharded import (
    check_goes_on,
    in_shards,
    optimizer_from_shards,
    reduce_in_float32,
    shards_of,
)
from .stream import TaskStream
from .treatments import Treatment
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

    loaded: LoadedModel
    stream: TaskStream
    budget: Budget
    treatments: Sequence[Treatment] = ()
    keep_checkpoints: int = 2
    record: Path | None = None
    """The run's `metrics.jsonl`, on the process that writes it; a checkpoint holds a copy."""

    def own_state(self) -> dict[str, Any]:
        """What the library's trainer does not save, JSON-safe."""
        return {
            "stream": self.stream.state_dict(),
            "budget": asdict(self.budget),
            "processes": self.args.world_size,
            "sharding": sharding(),
            "treatments": [treatment.state_dict() for treatment in self.treatments],
        }

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Continue where `own_state` was taken."""
        restore(state, self.stream, self.budget)
        # Checkpoints of supervised arms without treatments may have no such entry.
        for treatment, saved in zip(self.treatments, state.get("treatments", ()), strict=True):
            treatment.load_state_dict(saved)

    def create_accelerator_and_postprocess(self) -> None:
        """Make the accelerator, which shards without rounding gradients."""
        super().create_accelerator_and_postprocess()
        reduce_in_float32(self.accelerator)

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

    def _prepare_for_training(
        self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: str | None
    ) -> Any:
        """Wrap or shard the model, and note how; from then on it may be asked for whole weights."""
        if resume_from_checkpoint is not None:
            check_goes_on(read_state(Path(resume_from_checkpoint)), self.args.world_size)
        prepared = super()._prepare_for_training(
            max_steps, train_dataloader, resume_from_checkpoint
        )
        self.loaded.shards = shards_of(self)
        return prepared

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Every weight, also those that saving renames; sharded models load as the library does."""
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            restore_weights(self.accelerator.unwrap_model(model or self.model),
                            Path(resume_from_checkpoint))  # fmt: skip

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        if in_shards(Path(checkpoint)) and not self.is_fsdp_enabled:
            trainer: Any = self
            optimizer_from_shards(trainer.model, trainer.optimizer, Path(checkpoint))
            schedule = torch.load(Path(checkpoint) / SCHEDULER_NAME, weights_only=True)
            trainer.lr_scheduler.load_state_dict(schedule)
        else:
            super()._load_optimizer_and_scheduler(checkpoint)
        self.load_own_state(read_state(Path(checkpoint)))
        # TRL counts micro-steps to know when to generate, and starts from 0 on a resume.
        self._step = self.state.global_step * self.args.gradient_accumulation_steps
