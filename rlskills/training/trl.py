"""The only subclass of TRL's GRPO trainer: rollouts of a `Collector` into its loss.

Overridden, and nothing else (the contract test holds this list):

- `get_train_dataloader` feeds placeholders, so that no loader reads ahead of the curriculum;
- `_generate_and_score_completions` collects the rounds of an update and hands over tensors;
- `_get_per_token_logps_and_entropies` computes the same numbers with less work where it can
  (`logprobs.py`);
- `_compute_loss` adds the weighted cross-entropy to TRL's policy gradient and reference KL.

`resume.py` has what every trainer of ours overrides in transformers' `Trainer`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from accelerate.utils import gather_object
from datasets import Dataset
from torch import Tensor, nn
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import use_adapter
from typing_extensions import override

from ..generation.engine import Engine
from ..generation.select import select_engine
from ..models.loaded import LoadedModel
from ..runs.metrics import Budget
from ..runs.rollout_log import RolloutLog
from .arguments import check_shares, common_arguments
from .batch import Rollout, RolloutBatch, choose_rows, learned_tokens, loss_inputs
from .collect import Collector
from .features import prompt_features
from .freezing import Freezing
from .logprobs import choose_form
from .losses.cross_entropy import weighted_cross_entropy
from .losses.normaliser import advantage_scale
from .losses.off_policy import drawn_logprobs, sampling_ratio
from .optim import optimizer_for
from .prompt_limit import Asked, Lengths, PromptLimit
from .reader import Reader
from .recording import rollout_records
from .resume import ExactResume
from .sampler import Processes, Request, RolloutSampler
from .settings import RLSettings
from .stream import TaskStream
from .treatments import build_treatments


class RLTrainer(ExactResume, GRPOTrainer):
    """Trains `model` on what it samples, by the treatments that `settings` name."""

    config_class = GRPOConfig

    def __init__(
        self,
        loaded: LoadedModel,
        stream: TaskStream,
        settings: RLSettings,
        checkpoints: Path,
        budget: Budget | None = None,
        engine: Engine | None = None,
    ) -> None:
        """`engine` samples; None takes the one that `settings` name."""
        self.loaded = loaded
        self.stream = stream
        self.settings = settings
        self.budget = budget or Budget()
        self.keep_checkpoints = settings.keep_checkpoints
        self.treatments = build_treatments(settings.treatments, settings.seed)
        self.rounds: list[RolloutBatch] = []
        """Of the last update."""
        self.rollout_log: RolloutLog | None = None
        self._policy_logprobs: Tensor | None = None
        """With their graph, from TRL's loss of a micro-batch to the cross-entropy of the same."""
        super().__init__(
            model=loaded.model,
            reward_funcs=cast(Any, _graded_elsewhere),
            args=_config(settings, checkpoints, loaded),
            train_dataset=Dataset.from_dict({"prompt": ["drawn when it is sampled"]}),
            processing_class=loaded.codec.tokenizer,
            optimizers=(optimizer_for(loaded.model, settings), None),
        )
        self.add_callback(Freezing(self.treatments))
        self.collector = self._collector(
            engine or select_engine(loaded, settings.engine, note=self._note)
        )

    def _collector(self, engine: Engine) -> Collector:
        sampler = RolloutSampler(
            self.loaded,
            engine,
            self.args.seed,
            Processes.of(
                self.accelerator.process_index, self.accelerator.num_processes, engine.together
            ),
            with_steps=any(treatment.needs_steps for treatment in self.treatments),
        )
        return Collector(
            self.stream, sampler, self.settings, self.treatments, self.budget, self._log_to,
            self._features, PromptLimit(self.settings, self.loaded.positions, self._measure),
            Reader(self.loaded, sampler.processes),
        )  # fmt: skip

    @override
    def get_train_dataloader(self) -> Any:
        return self

    def __iter__(self) -> Iterator[list[dict[str, str]]]:
        rows = self.args.per_device_train_batch_size * self.settings.gradient_accumulation_steps
        while True:
            yield [{"prompt": ""}] * rows

    @override
    def _generate_and_score_completions(self, inputs: list[Any]) -> dict[str, Any]:
        step, engine = self.state.global_step, self.collector.sampler.engine
        engine.sync(step)
        with self.loaded.whole_weights():
            self.rounds = self.collector.collect(step)
        engine.rest()
        if self.rollout_log:
            for number, batch in enumerate(self.rounds):
                self.rollout_log.log(step + 1, rollout_records(batch, number))
        processes = self.accelerator.num_processes
        parts = self.settings.gradient_accumulation_steps * processes
        limit = self.settings.prompts_per_step * self.settings.group_size
        rows, fillers = choose_rows(self.rounds, limit, parts)
        self._log_to("train/learned_rows", len(rows) - fillers)
        output = self._tensors(rows, fillers)
        scale = advantage_scale(self.settings.loss, rows, fillers, self._left_out())
        if scale != 1.0:
            output["advantages"] = output["advantages"] * scale
        return output

    def _left_out(self) -> list[Rollout]:
        """Rollouts of the round that losses count, though they are not in the batch."""
        if any(treatment.max_resamples for treatment in self.collector.treatments):
            return []  # others were sampled in their place
        # A later treatment may have given such a rollout a weight after all.
        rollouts = [rollout for batch in self.rounds for rollout in batch]
        return [r for r in rollouts if r.counted_tokens is not None and not r.has_gradient]

    def _tensors(self, rows: Sequence[Rollout], fillers: int) -> dict[str, Any]:
        """This process's share of the rows as tensors, and the number of tokens of all of them."""
        device, rank = self.accelerator.device, self.accelerator.process_index
        trained = rows[: len(rows) - fillers]
        rl, ce, either = learned_tokens(trained)
        left = self.settings.max_steps - self.state.global_step
        passes = max(1, min(self.num_iterations, left))
        self.budget.trained_tokens += either * passes
        share = len(rows) // self.accelerator.num_processes
        mine = rows[rank * share : (rank + 1) * share]
        mine_fillers = max(0, min(share, (rank + 1) * share - len(trained)))
        inputs = loss_inputs(mine, mine_fillers, self.loaded.codec.pad, device)
        output: dict[str, Any] = dict(inputs)
        output["num_items_in_batch"] = torch.tensor(float(rl), device=device)
        output["ce_tokens"] = torch.tensor(float(ce), device=device)
        # Processes must run the model equally often, also those without such rows.
        if ce:
            output.setdefault("ce_weight", torch.zeros_like(output["advantages"]))
        corrected = self.settings.rollout_correction != "off"
        corrected = corrected and any(row.logprobs is not None for row in rows)
        if corrected or self.num_iterations > 1:
            with torch.no_grad():
                policy = self._logprobs(self.model, output)
            if corrected:
                self._correct(output, self._importance(mine, policy))
            if self.num_iterations > 1:
                output["old_per_token_logps"] = policy
        if self.beta:
            output["ref_per_token_logps"] = self._reference_logprobs(output)
        return output

    def sampled(self) -> list[dict[str, Any]]:
        """The rollouts of the last round, as they are logged."""
        return rollout_records(self.rounds[-1], len(self.rounds) - 1) if self.rounds else []

    def _logprobs(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        """Log-probabilities of the completion tokens (B, T) under `model`, a micro-batch at a time:
        a whole round would take memory that its loss does not."""
        ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
        seen = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
        width = inputs["completion_ids"].shape[1]
        at_once = self.args.per_device_train_batch_size
        return self._get_per_token_logps_and_entropies(model, ids, seen, width, at_once)[0]

    @torch.no_grad()
    def _reference_logprobs(self, inputs: dict[str, Any]) -> Tensor:
        if self.ref_model is not None:
            return self._logprobs(self.ref_model, inputs)
        # With adapters the reference is the model without them.
        policy: Any = self.accelerator.unwrap_model(self.model)
        with use_adapter(policy, "ref" if "ref" in policy.peft_config else None):
            return self._logprobs(self.model, inputs)

    def _correct(self, output: dict[str, Any], ratio: Tensor) -> None:
        """Weight the advantages; vespo has a place of its own for the ratio."""
        if self.settings.loss == "vespo":
            output["importance_sampling_ratio"] = ratio
        else:
            output["advantages"] = output["advantages"] * ratio
        shown = ratio.expand_as(output["completion_mask"])[output["completion_mask"] > 0]
        mine = torch.stack([shown.sum(), shown.new_tensor(len(shown))])
        total = cast(Tensor, self.accelerator.gather(mine[None])).sum(0)
        self._log_to("train/sampling_ratio", (total[0] / total[1].clamp(min=1)).item())

    def _importance(self, rows: Sequence[Rollout], policy: Tensor) -> Tensor:
        """How much likelier the policy is to draw each token than what drew it, within bounds.

        `policy` are its log-probabilities (B, T); of sequences the ratios are (B, 1).
        """
        drawn, known = drawn_logprobs(rows, policy.shape)
        settings, device = self.settings, policy.device
        return sampling_ratio(
            policy, drawn.to(device), known.to(device), settings.rollout_correction,
            settings.rollout_ratio_min, settings.rollout_ratio_max,
        )  # fmt: skip

    @override
    def _get_per_token_logps_and_entropies(
        self,
        model: nn.Module,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **more: Any,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        found = self._log_probabilities(
            model, input_ids, attention_mask, logits_to_keep, batch_size, compute_entropy,
            compute_aux_loss, **more,
        )  # fmt: skip
        if torch.is_grad_enabled():
            self._policy_logprobs = found[0]
        return found

    def _log_probabilities(
        self,
        model: nn.Module,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None,
        compute_entropy: bool,
        compute_aux_loss: bool,
        **more: Any,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        form = choose_form(model, self.loaded.kernels)
        if form is not None and not compute_aux_loss:
            size = batch_size or len(input_ids)
            parts = zip(input_ids.split(size), attention_mask.split(size), strict=True)
            with self.accelerator.autocast():
                found = [form(model, *part, logits_to_keep) for part in parts]
            known = [each for each in found if each is not None]
            if len(known) == len(found):
                logprobs = torch.cat([part for part, _ in known])
                entropies = [part for _, part in known if part is not None]
                return logprobs, torch.cat(entropies) if compute_entropy else None, None
        return super()._get_per_token_logps_and_entropies(
            model, input_ids, attention_mask, logits_to_keep, batch_size, compute_entropy,
            compute_aux_loss, **more,
        )  # fmt: skip

    @override
    def _compute_loss(self, model: nn.Module, inputs: dict[str, Any]) -> Tensor:
        loss = super()._compute_loss(model, inputs)
        logprobs, self._policy_logprobs = self._policy_logprobs, None
        if "ce_weight" not in inputs:
            return loss
        assert logprobs is not None
        # As TRL's `dapo` loss: processes are averaged, micro-batches are summed up.
        count = inputs["ce_tokens"] / self.accelerator.num_processes
        cross_entropy = weighted_cross_entropy(logprobs, inputs["ce_weight"], count)
        parts = self.settings.gradient_accumulation_steps
        shared = self.accelerator.gather(cross_entropy.detach())
        self._log_to("train/cross_entropy", parts * cast(Tensor, shared).mean().item())
        return loss + cross_entropy

    def _measure(self, asked: Asked) -> list[Lengths]:
        new = self.settings.max_new_tokens
        prompts = self.loaded.codec.encode_tasks([task for _, task in asked])
        return [(len(prompt), len(prompt) + new) for prompt in prompts]

    def _features(self, requests: Sequence[Request]) -> Sequence[tuple[float, ...] | None]:
        """What the curriculum wants to know of the prompts; each process works out its share."""
        if "features" not in self.stream.curriculum.needs:
            return [None] * len(requests)
        rank, count = self.accelerator.process_index, self.accelerator.num_processes
        share = -(-len(requests) // count)
        mine = [request.task for request in requests[rank * share : (rank + 1) * share]]
        known = prompt_features(self.loaded, self.loaded.codec.encode_tasks(mine))
        return gather_object(known) if count > 1 else known

    def _log_to(self, tag: str, value: float) -> None:
        self._metrics["train"][tag].append(float(value))

    def _note(self, text: str) -> None:
        if self.accelerator.is_main_process:
            warnings.warn(text, stacklevel=2)


def _graded_elsewhere(**_: object) -> list[float]:
    """TRL wants a reward function; rollouts are graded when they are sampled."""
    raise AssertionError("rollouts come graded")


def _config(settings: RLSettings, checkpoints: Path, loaded: LoadedModel) -> GRPOConfig:
    """TRL's configuration; everything about sampling in it is unused."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    rows = settings.prompts_per_step * settings.group_size
    check_shares(settings, processes)
    return GRPOConfig(
        **common_arguments(settings, checkpoints, loaded),
        per_device_train_batch_size=rows // settings.gradient_accumulation_steps // processes,
        steps_per_generation=settings.gradient_accumulation_steps,
        num_generations=settings.group_size,
        max_completion_length=settings.max_new_tokens,
        temperature=settings.temperature,
        disable_dropout=True,
        loss_type=settings.loss,
        beta=settings.beta,
        epsilon=settings.epsilon,
        epsilon_high=settings.epsilon_high or None,
        importance_sampling_level=settings.importance_sampling_level,
        num_iterations=settings.num_iterations,
        entropy_coef=settings.entropy_bonus,
    )
