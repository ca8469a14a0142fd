"""Supervised fine-tuning on demonstrations: worked solutions, or bare answers.

The only subclass of TRL's SFT trainer. It overrides `get_train_dataloader`, to draw problems from
the same stream as the other methods; `resume.py` has what all our trainers override.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from ..environments import bare_answer, demonstration
from ..generation.episodes import transcribe
from ..models.loading import encode_completions, encode_prompts
from ..runs.metrics import Budget
from .arguments import common_arguments
from .optim import optimizer_for
from .packing import IGNORE, Sequence, pack
from .resume import ExactResume
from .settings import SFTSettings
from .stream import Drawn, TaskStream


class SFT(ExactResume, SFTTrainer):
    """Trains `model` on `settings.batch_size` fresh demonstrations per update."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        stream: TaskStream,
        settings: SFTSettings,
        checkpoints: Path,
        budget: Budget | None = None,
    ) -> None:
        self.stream = stream
        self.settings = settings
        self.budget = budget or Budget()
        self.keep_checkpoints = settings.keep_checkpoints
        self._attention = str(model.config._attn_implementation)
        config = SFTConfig(
            **common_arguments(settings, checkpoints, model.device.type),
            per_device_train_batch_size=1,
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
        )
        placeholder = Dataset.from_dict({"input_ids": [[0]], "labels": [[IGNORE]]})
        super().__init__(
            model=model,
            args=config,
            train_dataset=placeholder,
            processing_class=tokenizer,
            optimizers=(optimizer_for(model, settings), None),
        )

    def get_train_dataloader(self) -> Any:
        """One micro-batch at a time, drawn when it is asked for."""
        return self

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        world, rank = self.args.world_size, self.args.process_index
        parts = self.args.gradient_accumulation_steps
        flash = "flash" in self._attention
        pad = cast(int, self._tokenizer.pad_token_id)
        while True:
            drawn = self.stream.draw(self.settings.batch_size)[rank::world]
            sequences = self._sequences(drawn)
            learned = sum(sum(mask) for _, mask in sequences)
            self.budget.samples += self.settings.batch_size
            self.budget.trained_tokens += self._over_processes(learned)
            for part in range(parts):
                yield pack(sequences[part::parts], pad, flash)

    def _sequences(self, drawn: list[Drawn]) -> list[Sequence]:
        """Prompts and demonstrations, in the order of `drawn`."""
        single = iter(self._answers([one for one in drawn if not one.env.multi_turn]))
        return [self._episode(one) if one.env.multi_turn else next(single) for one in drawn]

    def _answers(self, drawn: list[Drawn]) -> list[Sequence]:
        if not drawn:
            return []
        texts = [(one.env.solution if self._worked else one.env.answer_only)(one.task)
                 for one in drawn]  # fmt: skip
        shown = encode_completions(texts, self._tokenizer)
        prompts = encode_prompts([one.task for one in drawn], self._tokenizer)
        return [(p + c, [0] * len(p) + [1] * len(c)) for p, c in zip(prompts, shown, strict=True)]

    def _episode(self, drawn: Drawn) -> Sequence:
        """An expert's episode, or a bare answer given at once; observations have mask 0."""
        played = (demonstration if self._worked else bare_answer)(drawn.env, drawn.task)
        end = cast(int, self._tokenizer.eos_token_id)
        transcript = transcribe(played, self._tokenizer, end)
        return transcript.context, [0] * len(transcript.prompt) + transcript.mask

    @property
    def _worked(self) -> bool:
        return self.settings.target == "worked"

    def _over_processes(self, count: int) -> int:
        tensor = torch.tensor(count, device=self.accelerator.device)
        return int(cast(Tensor, self.accelerator.reduce(tensor, reduction="sum")).item())
