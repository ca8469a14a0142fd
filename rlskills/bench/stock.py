"""Plain `trl.GRPOTrainer`, on the problems and with the grader that our trainer has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from ..environments import joined, score_batch
from ..errors import UserError
from ..models.loaded import LoadedModel
from ..training.arguments import common_arguments
from ..training.stream import Drawn
from .contestants import Ready
from .work import Work


@dataclass
class Grader:
    """TRL's reward function: the environment's reward for each completion of a problem."""

    problems: Sequence[Drawn]
    ends: frozenset[int]
    tokens: int = 0
    """Sampled so far."""
    asked: list[str] = field(default_factory=list)
    """Keys of the problems, as often as they were graded."""
    __name__ = "graded"

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[list[int]],
        problem: Sequence[int],
        **_: object,
    ) -> list[float | None]:
        """Rewards; None where grading failed, which TRL leaves out as our trainer does."""
        drawn = [self.problems[number] for number in problem]
        self.tokens += sum(map(len, completion_ids))
        self.asked += [one.task.key for one in drawn]
        texts = [text if isinstance(text, str) else text[0]["content"] for text in completions]
        scores = score_batch(
            (one.env, one.task, text, ids[-1] not in self.ends)
            for one, text, ids in zip(drawn, texts, completion_ids, strict=True)
        )
        return [None if score.failed else score.reward for score in scores]


@dataclass(frozen=True)
class StockTRL:
    """TRL as its users have it: `tuned` for this machine and model, or with its own defaults."""

    name: str
    tuned: bool

    def ready(self, loaded: LoadedModel, work: Work, folder: Path) -> Ready:
        """See `Contestant`."""
        if work.env.multi_turn:
            raise UserError(f"{work.env.name} has several turns, which plain TRL does not play")
        grader = Grader(work.problems, loaded.codec.ends)
        chat = bool(loaded.codec.tokenizer.chat_template)
        prompts = [
            list(drawn.task.messages) if chat else joined(drawn.task.messages)
            for drawn in work.problems
        ]
        trainer = GRPOTrainer(
            model=loaded.model,
            reward_funcs=grader,  # pyright: ignore[reportArgumentType]
            args=self._config(loaded, work, folder),
            train_dataset=Dataset.from_dict(
                {"prompt": prompts, "problem": list(range(len(prompts)))}
            ),
            processing_class=loaded.codec.tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        return Ready(
            trainer, lambda: grader.tokens, (trainer.model, "generate"), "frac_reward_zero_std"
        )

    def _config(self, loaded: LoadedModel, work: Work, folder: Path) -> GRPOConfig:
        settings = work.settings
        parts = settings.gradient_accumulation_steps
        same: dict[str, Any] = {
            "per_device_train_batch_size": work.completions // parts,
            "gradient_accumulation_steps": parts,
            "num_generations": settings.group_size,
            "max_completion_length": settings.max_new_tokens,
            "shuffle_dataset": False,
            "save_strategy": "no",
            "report_to": "tensorboard",
            "logging_steps": 1,
        }
        if self.tuned:
            # The arguments of our trainer, so that the optimizer and its schedule are the same.
            return GRPOConfig(**common_arguments(settings, folder, loaded) | same)
        return GRPOConfig(
            output_dir=str(folder),
            max_steps=settings.max_steps,
            learning_rate=settings.learning_rate,
            use_cpu=loaded.device.type == "cpu",
            disable_tqdm=True,
            **same,
        )
