"""What GRPO and RFT share: sample completions for fresh tasks, score them, choose what to learn.

A subclass of TRL's `GRPOTrainer`. It overrides four methods, each calling `super()`:

- `_generate_and_score_completions` draws the tasks of a round when it is sampled, and afterwards
  keeps only the rows that a method wants to learn from;
- `_calculate_rewards` shows every group, dead or not, to the curriculum;
- `_generate_single_turn` samples small Llama models with our own decoding;
- `get_train_dataloader` feeds placeholders, so that no loader reads ahead.

Where an environment takes several turns, TRL's `rollout_func` plays them (`episodes.py`).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from accelerate.utils import gather_object
from datasets import Dataset
from torch import Tensor
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from ..curricula import Outcome
from ..environments import Score, score_batch, seed_from
from ..errors import UserError
from ..generation.episodes import Replies, Rollout
from ..generation.llama_cpu import Sampling, decode, supports
from ..models.loading import encode_prompts, end_tokens, prompt_of
from ..runs.metrics import Budget
from .arguments import common_arguments
from .episodes import play_round, rollouts_of
from .features import prompt_features
from .optim import optimizer_for
from .resume import ExactResume
from .rounds import Round, merge, select
from .settings import RolloutSettings
from .stream import Drawn, TaskStream


class RolloutTrainer(ExactResume, GRPOTrainer):
    """Samples `prompts_per_step` x `group_size` completions per update and learns from some."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        stream: TaskStream,
        settings: RolloutSettings,
        checkpoints: Path,
        budget: Budget | None = None,
        **options: Any,
    ) -> None:
        self.stream = stream
        self.settings = settings
        self.budget = budget or Budget()
        self.keep_checkpoints = settings.keep_checkpoints
        self.ends = end_tokens(model, tokenizer)
        self.drawn: list[Drawn] = []
        self._scores: list[Score] = []
        self._admitted: list[bool] = []
        self.samples: list[tuple[str, str, Score]] = []
        common = common_arguments(settings, checkpoints, model.device.type)
        processes = int(os.environ.get("WORLD_SIZE", "1"))
        if settings.prompts_per_step % processes:
            raise UserError(
                f"prompts_per_step ({settings.prompts_per_step}) must be a multiple of "
                f"{processes} processes"
            )
        rows = (
            settings.prompts_per_step
            * settings.group_size
            // settings.gradient_accumulation_steps
            // processes
        )
        config = GRPOConfig(
            **common,
            per_device_train_batch_size=rows,
            steps_per_generation=settings.gradient_accumulation_steps,
            num_generations=settings.group_size,
            max_completion_length=settings.max_new_tokens,
            temperature=settings.temperature,
            use_vllm=settings.use_vllm,
            disable_dropout=True,
            **options,
        )
        super().__init__(
            model=model,
            reward_funcs=cast(Any, self._grade),
            args=config,
            train_dataset=Dataset.from_dict({"prompt": ["drawn when it is sampled"]}),
            processing_class=tokenizer,
            optimizers=(optimizer_for(model, settings), None),
        )
        if any(source.env.multi_turn for source in stream.sources.values()):
            self.rollout_func = cast(Any, play_round)

    # What a method decides.

    def choose(self, scores: list[Score], advantages: Tensor) -> tuple[Tensor, Tensor]:
        """Advantages to use and the rows (a mask) to learn from, both of shape (rows,).

        `scores` and `advantages` are of this process's rows, groups contiguous.
        """
        raise NotImplementedError

    def rounds_wanted(self, rounds: list[Round]) -> bool:
        """Whether to sample one more round before the update."""
        return False

    # Hooks of TRL.

    def get_train_dataloader(self) -> Any:
        """Placeholders; the tasks are drawn in `_generate_and_score_completions`."""
        return self

    def __iter__(self) -> Iterator[list[dict[str, str]]]:
        rows = self.args.per_device_train_batch_size * self.settings.gradient_accumulation_steps
        while True:
            yield [{"prompt": ""}] * rows

    def _generate_and_score_completions(self, inputs: list[Any]) -> dict[str, Any]:
        rounds = [self._sample_round(len(inputs))]
        while self.rounds_wanted(rounds):
            rounds.append(self._sample_round(len(inputs)))
        pad = cast(int, self._tokenizer.pad_token_id)
        # TRL gathers by-row metrics, so every process must have the same number of rows.
        wanted = self._most(min(len(inputs), sum(one.wanted for one in rounds)))
        output = merge(rounds, pad, wanted, multiple=self.settings.gradient_accumulation_steps)
        # What an environment said in between is in the completion, but not learned from.
        mask = output["completion_mask"] * output.get("tool_mask", 1)
        learned = cast(Tensor, self.accelerator.gather(mask.sum())).sum()
        output["num_items_in_batch"] = learned
        self.budget.trained_tokens += int(learned.item())
        self._log_to("train/learned_rows", self._total(len(output["advantages"])))
        return output

    def _sample_round(self, rows: int) -> Round:
        group, world = self.settings.group_size, self.accelerator.num_processes
        drawn = self.stream.draw(rows * world // group, group)
        first = self.accelerator.process_index * rows
        mine = self.drawn = [drawn[(first + i) // group] for i in range(rows)]
        inputs = [{"prompt": prompt_of(one.task, self._tokenizer), "drawn": one} for one in mine]
        output = super()._generate_and_score_completions(inputs)
        advantages, keep = self.choose(self._scores, output["advantages"])
        admitted = [self._admitted[(first + i) // group] for i in range(rows)]
        keep &= torch.tensor(admitted, device=keep.device)
        return select(output | {"advantages": advantages}, keep)

    def _calculate_rewards(
        self, inputs: list[Any], prompts: Any, completions: Any, completion_ids_list: Any
    ) -> Tensor:
        rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        played = rollouts_of(inputs)
        lengths = [one.written for one in played] or [len(ids) for ids in completion_ids_list]
        if turns := gather_object([one.play.turns for one in played]):
            self._log_to("train/turns", sum(turns) / len(turns))
        drawn = gather_object([one["drawn"] for one in inputs])
        scores = gather_object(self._scores)
        self._observe(drawn, scores, gather_object(lengths))
        return rewards

    def _grade(
        self,
        completions: list[Any],
        completion_ids: list[Any],
        drawn: list[Drawn],
        rollouts: Sequence[Rollout] = (),
        **_: Any,
    ) -> list[float | None]:
        texts = [one if isinstance(one, str) else one[0]["content"] for one in completions]
        cut = [not ids or ids[-1] not in self.ends for ids in completion_ids]
        self._scores = [one.play.score() for one in rollouts] or score_batch(
            (one.env, one.task, text, truncated)
            for one, text, truncated in zip(drawn, texts, cut, strict=True)
        )
        group = self.settings.group_size
        self.samples = [
            (drawn[i].task.text, texts[i], self._scores[i]) for i in range(0, len(texts), group)
        ]
        # TRL leaves out what has no reward when it compares the completions of a group.
        return [None if score.failed else score.reward for score in self._scores]

    def _generate_single_turn(
        self,
        prompt_ids: Any,
        images: Any,
        fields: Any,
        num_generations: int,
        *rest: Any,
        **more: Any,
    ) -> Any:
        if not self._own_decoding:
            return super()._generate_single_turn(
                prompt_ids, images, fields, num_generations, *rest, **more
            )
        return self.sample_replies(prompt_ids, num_generations, 0, self.settings.max_new_tokens)

    def sample_replies(
        self, contexts: list[list[int]], alike: int, turn: int, limit: int
    ) -> Replies:
        """One reply a context, of `limit` tokens at most where our own decoding applies.

        Every `alike` contexts in a row are the same: they are encoded once.
        """
        if not self._own_decoding:
            return self._generate_single_turn(contexts, None, {}, alike)
        sampling = Sampling(limit, self.settings.temperature, alike)
        where = (self.args.process_index, self.budget.rollouts, *([turn] if turn else []))
        seed = seed_from("sample", self.args.seed, *where)
        model = self.accelerator.unwrap_model(self.model)
        return decode(model, contexts[::alike], sampling, seed), None

    @property
    def _own_decoding(self) -> bool:
        return not self.use_vllm and supports(self.accelerator.unwrap_model(self.model))

    # What is recorded.

    def _observe(self, drawn: list[Drawn], scores: list[Score], lengths: list[int]) -> None:
        outcomes, dead = [], []
        features = self._features(drawn[:: self.settings.group_size])
        for i in range(0, len(drawn), self.settings.group_size):
            rows = slice(i, i + self.settings.group_size)
            # A curriculum sees how often the group was right, whatever the reward preset.
            graded = [score for score in scores[rows] if not score.failed]
            rights = tuple(score.parts["answer"] for score in graded)
            rewards = tuple(score.reward for score in graded)
            step, known = self.state.global_step, features[i // self.settings.group_size]
            outcome = Outcome(drawn[i].choice, rights, step, rewards=rewards, features=known)
            outcomes.append(outcome)
            dead.append(bool(graded) and outcome.zero_variance)
        # All groups are shown before any is asked about: the state must have seen the dead ones.
        self.stream.observe([outcome for outcome in outcomes if outcome.pass_rates])
        whole = [len(outcome.pass_rates) == self.settings.group_size for outcome in outcomes]
        self._admitted = [
            graded and self.stream.curriculum.admit(outcome)
            for graded, outcome in zip(whole, outcomes, strict=True)
        ]
        self.budget.rollouts += len(drawn)
        self.budget.samples += len(drawn)
        self.budget.generated_tokens += sum(lengths)
        self._log_to("train/dead_groups", _share(dead))
        self._log_to("train/parse_failures", _share(s.status == "unparsed" for s in scores))
        self._log_to("train/grader_failures", _share(score.failed for score in scores))
        for tag, values in _accuracies(drawn, scores).items():
            self._log_to(tag, sum(values) / len(values))
        for name, value in self.stream.metrics().items():
            self._log_to(f"curriculum/{name}", value)

    def _features(self, drawn: list[Drawn]) -> Sequence[tuple[float, ...] | None]:
        if "features" not in self.stream.curriculum.needs:
            return [None] * len(drawn)
        model = self.accelerator.unwrap_model(self.model)
        return prompt_features(model, encode_prompts([one.task for one in drawn], self._tokenizer))

    def _log_to(self, tag: str, value: float) -> None:
        self._metrics["train"][tag].append(float(value))

    def _gathered(self, count: int) -> Tensor:
        tensor = torch.tensor([float(count)], device=self.accelerator.device)
        return cast(Tensor, self.accelerator.gather(tensor))

    def _total(self, count: int) -> float:
        """The sum of `count` over all processes."""
        return self._gathered(count).sum().item()

    def _most(self, count: int) -> int:
        """The largest `count` of any process."""
        return int(self._gathered(count).max().item())


def _accuracies(drawn: list[Drawn], scores: list[Score]) -> dict[str, list[bool]]:
    """Right or wrong of every completion, by tag: overall, by level and by skill."""
    found: dict[str, list[bool]] = defaultdict(list)
    for one, score in zip(drawn, scores, strict=True):
        if score.failed:
            continue
        found["train/accuracy"].append(score.correct)
        found[f"train/L{one.task.level}/accuracy"].append(score.correct)
        for skill in dict.fromkeys(one.task.skills):
            found[f"train/skill/{skill}/accuracy"].append(score.correct)
    return found


def _share(values: Any) -> float:
    values = list(values)
    return sum(values) / len(values)
