"""Supervised fine-tuning on demonstrations: worked solutions, or bare answers.

The only subclass of TRL's SFT trainer. It overrides `get_train_dataloader`, to draw problems from
the same stream as the other methods, and `compute_loss`, where treatments weigh demonstrations;
`resume.py` has what all our trainers override.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import PartialState
from datasets import Dataset
from torch import Tensor
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer
from typing_extensions import override

from ..curricula import Choice
from ..generation.episodes import transcribe
from ..models.loaded import LoadedModel
from ..runs.metrics import Budget
from .arguments import check_shares, common_arguments
from .demonstrations import Demonstrations
from .freezing import Freezing
from .losses.weighed import Weighed, weighing
from .optim import optimizer_for
from .packing import IGNORE, Sequence, pack
from .prompt_limit import Asked, Lengths, PromptLimit
from .resume import ExactResume
from .settings import SFTSettings
from .stream import Drawn, TaskStream
from .treatments import build_treatments


class SFT(ExactResume, SFTTrainer):
    """Trains `model` on `settings.batch_size` fresh demonstrations per update."""

    config_class = SFTConfig

    def __init__(
        self,
        loaded: LoadedModel,
        stream: TaskStream,
        settings: SFTSettings,
        checkpoints: Path,
        budget: Budget | None = None,
    ) -> None:
        self.stream = stream
        self.settings = settings
        self.budget = budget or Budget()
        self.keep_checkpoints = settings.keep_checkpoints
        self.treatments = build_treatments(settings.treatments, settings.seed, supervised=True)
        self.loaded = loaded
        self.limit = PromptLimit(settings, loaded.positions, self._measure)
        check_shares(settings, PartialState().num_processes)
        config = SFTConfig(
            **common_arguments(settings, checkpoints, loaded),
            per_device_train_batch_size=1,
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
        )
        placeholder = Dataset.from_dict({"input_ids": [[0]], "labels": [[IGNORE]]})
        super().__init__(
            model=loaded.model,
            args=config,
            train_dataset=placeholder,
            processing_class=loaded.codec.tokenizer,
            optimizers=(optimizer_for(loaded.model, settings), None),
        )
        self.add_callback(Freezing(self.treatments))

    @override
    def get_train_dataloader(self) -> Any:
        """One micro-batch at a time, drawn when it is asked for."""
        return self

    @override
    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """TRL's, of weighted log-probabilities where a treatment has weights."""
        if weigh := weighing(self.treatments):
            model = Weighed(model, weigh)
        loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        for treatment in weigh:
            called = treatment.name or type(treatment).__name__
            for name, value in treatment.metrics().items():
                mean = self._over_processes(value, "mean")
                self._metrics["train"][f"treatment/{called}/{name}"].append(mean)
        return loss

    def __iter__(self) -> Iterator[dict[str, Any]]:
        world, rank = self.args.world_size, self.args.process_index
        parts = self.args.gradient_accumulation_steps
        one_row, pad = self.loaded.kernels.one_row, self.loaded.codec.pad
        while True:
            before = self.stream.skipped
            drawn = self.stream.draw(self.settings.batch_size, accept=self.limit.accept)
            if self.limit.accept:
                self._metrics["train"]["train/prompts_skipped"].append(self.stream.skipped - before)
            if self.settings.label_noise:
                wrong = [self._shown.wrong(one.task) for one in drawn]
                self._metrics["train"]["train/label_noise"].append(sum(wrong) / len(wrong))
            drawn = drawn[rank::world]
            sequences = self._sequences(drawn)
            if not self.limit.accept:
                asked = [(one.env, one.task) for one in drawn]
                self.limit.check(asked, list(map(_lengths, sequences)))
            learned = sum(sum(mask) for _, mask in sequences)
            self.budget.samples += self.settings.batch_size
            self.budget.trained_tokens += int(self._over_processes(learned))
            for part in range(parts):
                yield pack(sequences[part::parts], pad, one_row)

    def _sequences(self, drawn: list[Drawn]) -> list[Sequence]:
        """Prompts and demonstrations, in the order of `drawn`."""
        single = iter(self._answers([one for one in drawn if not one.env.multi_turn]))
        return [self._episode(one) if one.env.multi_turn else next(single) for one in drawn]

    def _answers(self, drawn: list[Drawn]) -> list[Sequence]:
        if not drawn:
            return []
        texts = [self._shown.text(one.env, one.task) for one in drawn]
        shown = self.loaded.codec.encode_replies(texts)
        prompts = self.loaded.codec.encode_tasks([one.task for one in drawn])
        return [(p + c, [0] * len(p) + [1] * len(c)) for p, c in zip(prompts, shown, strict=True)]

    def _episode(self, drawn: Drawn) -> Sequence:
        """An episode as it is shown; observations have mask 0."""
        played = self._shown.play(drawn.env, drawn.task)
        transcript = transcribe(played, self.loaded.codec)
        return transcript.context, [0] * len(transcript.prompt) + transcript.mask

    def _measure(self, asked: Asked) -> list[Lengths]:
        drawn = [Drawn(Choice(""), task, env) for env, task in asked]
        return [_lengths(sequence) for sequence in self._sequences(drawn)]

    @cached_property
    def _shown(self) -> Demonstrations:
        settings = self.settings
        return Demonstrations(settings.target == "worked", settings.label_noise, settings.seed)

    def _over_processes(self, value: float, reduction: str = "sum") -> float:
        tensor = torch.tensor(value, device=self.accelerator.device)
        return cast(Tensor, self.accelerator.reduce(tensor, reduction=reduction)).item()


def _lengths(sequence: Sequence) -> Lengths:
    """Of what is read before the first token that is learned, and of all."""
    ids, learned = sequence
    return (learned.index(1) if 1 in learned else len(ids)), len(ids)
