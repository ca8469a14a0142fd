"""What can be set, as dataclasses: parsed by the command line, saved in the run, hashed there.

The defaults are for the tiny preset. All amounts are for the whole run over all processes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Annotated, Any, Literal, TypeVar

from tyro.conf import Suppress

from ..errors import UserError
from ..spec.pairs import read_pairs

Value = TypeVar("Value")
LossType = Literal["grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "luspo", "vespo"]
Correction = Literal["off", "token_truncate", "token_mask", "sequence_truncate", "sequence_mask"]
"""Ratios of tokens or of whole completions; cut to their bounds, or left out where they are beyond.
All names but `off` are TRL's."""


def hashed_if_set(default: Value) -> Value:
    """A field that came later: at its default it is no part of a run's hash, so that what was
    trained before stays known by its own."""
    return field(default=default, metadata={"hashed": "if set"})


def hashed(settings: Training) -> dict[str, Any]:
    """The settings that a run's hash covers."""
    values = asdict(settings)
    for item in fields(settings):
        if item.metadata.get("hashed") == "if set" and values[item.name] == item.default:
            del values[item.name]
    return values


@dataclass(frozen=True)
class Training:
    """Common to all methods."""

    max_steps: int = 150
    """Optimizer steps."""
    optimizer: str = "adamw"
    """adamw, muon (for the matrices of the layers, AdamW for the rest), or a name of transformers'
    `optim`, such as adamw_8bit, paged_adamw_8bit or adafactor."""
    learning_rate: float = 1e-4
    """Peak learning rate."""
    lr_scheduler: Literal["constant", "cosine", "linear"] = "constant"
    """Shape of the learning rate after `warmup_steps`."""
    warmup_steps: int = 0
    """Steps over which the learning rate rises from 0."""
    weight_decay: float = 0.0
    """Decoupled weight decay."""
    beta2: float = 0.999
    """AdamW's second-moment decay."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    gradient_accumulation_steps: int = 1
    """Parts into which an update's sequences are split to fit in memory."""
    eval_every: int = 25
    """Updates between evaluations on the eval sets; 0 evaluates only at the end."""
    save_every: int = 25
    """Updates between checkpoints."""
    keep_checkpoints: int = 2
    """Checkpoints kept while training."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: slower, less memory."""
    long_prompts: Literal["refuse", "skip"] = "refuse"
    """What becomes of a problem that is too long for the model: an error of one line, or the next
    problem of the same kind is drawn instead."""
    max_prompt_tokens: int = 0
    """Tokens of the longest prompt; 0: what the model has positions for."""
    report_to: tuple[Literal["wandb", "trackio"], ...] = ()
    """Trackers that are logged to as well, beside TensorBoard."""
    trl: tuple[str, ...] = ()
    """Further arguments of TRL's trainer, as KEY=VALUE: `adam_beta1=0.95 lr_scheduler_kwargs={}`.
    Those that another setting stands for are refused."""
    seed: Annotated[int, Suppress] = 0
    """Of everything that draws. A study sets it for each repetition, so it is no flag."""

    def __post_init__(self) -> None:
        for name in ("max_steps", "gradient_accumulation_steps", "save_every", "keep_checkpoints"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("warmup_steps", "eval_every", "max_prompt_tokens"):
            self.require(name, getattr(self, name) >= 0, "at least 0")
        self.require("learning_rate", 0 < self.learning_rate < math.inf, "positive and finite")
        self.require("weight_decay", 0 <= self.weight_decay < math.inf, "at least 0 and finite")
        self.require("beta2", 0 < self.beta2 < 1, "between 0 and 1")
        self.require("max_grad_norm", 0 < self.max_grad_norm < math.inf, "positive and finite")
        read_pairs(self.trl, "trl")  # names are checked where TRL is known (`arguments.py`)

    def ended(self, step: int, rollouts: int) -> bool:
        """Whether nothing is left to train after so many updates and rollouts."""
        return step >= self.max_steps

    def require(self, name: str, holds: bool, what: str) -> None:
        """A `UserError` that names a setting out of its range; NaN is in none."""
        if not holds:
            raise UserError(f"{name} must be {what}, not {getattr(self, name)}")


@dataclass(frozen=True)
class SFTSettings(Training):
    """Supervised fine-tuning on demonstrations that the environment writes."""

    batch_size: int = 512
    """Demonstrations an update."""
    target: Literal["worked", "answer"] = "worked"
    """Show every step of the solution, or the bare answer."""
    treatments: tuple[str, ...] = hashed_if_set(())
    """Treatments that need no rollouts: half_fine_tuning, dco (for bare answers), file.py:Class."""
    label_noise: float = hashed_if_set(0.0)
    """Share of demonstrations that show a wrong answer, drawn by the seed for each problem."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("batch_size", self.batch_size >= 1, "at least 1")
        self.require("label_noise", 0 <= self.label_noise <= 1, "between 0 and 1")
        parts = self.gradient_accumulation_steps
        if self.batch_size < parts:
            raise UserError(
                f"batch_size ({self.batch_size}) must be at least gradient_accumulation_steps "
                f"({parts}): each part needs a demonstration"
            )


@dataclass(frozen=True)
class RLSettings(Training):
    """Learning from what the policy samples, by the treatments named."""

    treatments: tuple[str, ...] = ("grpo",)
    """What is learned from rollouts (`rlskills treatment list`), in the order of their stages."""
    prompts_per_step: int = 64
    """Problems for each round of sampling."""
    group_size: int = 8
    """Completions of each problem."""
    max_new_tokens: int = 64
    """Length at which a completion is cut off."""
    temperature: float = 1.0
    """Of sampling."""
    top_p: float = 1.0
    """Nucleus sampling: the likeliest tokens with this much probability in all; 1 keeps all."""
    mask_truncated: bool = False
    """Completions that were cut off carry no loss (overlong filtering, DAPO)."""
    engine: Literal["auto", "llama_cpu", "transformers", "vllm"] = "auto"
    """What samples; where it cannot, the next one does, with a note."""
    loss: LossType = "dapo"
    """Policy-gradient loss by TRL's name."""
    beta: float = 0.0
    """Weight of the KL term against the starting model; 0 loads no reference."""
    epsilon: float = 0.2
    """Clip range; without effect while every round is trained on once."""
    epsilon_high: float = 0.0
    """Upper clip range, where it is another (clip-higher, DAPO); 0: as `epsilon`."""
    importance_sampling_level: Literal["token", "sequence"] = "token"
    """Probability ratios of tokens, or of whole completions (GSPO)."""
    rollout_correction: Correction = hashed_if_set("token_truncate")
    """What becomes of the difference between the policy and vLLM's copy of it, which samples:
    importance ratios of tokens or whole completions, truncated or masked; off: nothing."""
    rollout_ratio_max: float = hashed_if_set(2.0)
    """Bound on those ratios: above, they are cut to it, or masked."""
    rollout_ratio_min: float = hashed_if_set(0.0)
    """Lower bound on them."""
    num_iterations: int = 1
    """Optimizer steps on each round of samples; `max_steps` counts them all."""
    entropy_bonus: float = 0.0
    """Weight of an entropy term."""
    max_rollouts: int = hashed_if_set(0)
    """Training ends with the update by which so many completions have been sampled, if that is
    before max_steps; 0: no such bound. For methods that sample more than others in an update."""
    log_rollouts_every: int = 1
    """Updates between those whose rollouts are logged; 0 logs none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("prompts_per_step", self.prompts_per_step >= 1, "at least 1")
        self.require("group_size", self.group_size >= 2, "at least 2")
        self.require("max_new_tokens", self.max_new_tokens >= 1, "at least 1")
        self.require("temperature", 0 < self.temperature < math.inf, "positive and finite")
        self.require("beta", 0 <= self.beta < math.inf, "at least 0 and finite")
        self.require("epsilon", 0 < self.epsilon < math.inf, "positive and finite")
        self.require("epsilon_high", 0 <= self.epsilon_high < math.inf, "at least 0 and finite")
        self.require("top_p", 0 < self.top_p <= 1, "above 0 and at most 1")
        self._check_correction()
        self.require("num_iterations", self.num_iterations >= 1, "at least 1")
        if self.save_every % self.num_iterations:
            raise UserError(
                f"save_every ({self.save_every}) must be a multiple of num_iterations "
                f"({self.num_iterations}): a run goes on from where a round was used up"
            )
        self.require("entropy_bonus", math.isfinite(self.entropy_bonus), "finite")
        self.require("max_rollouts", self.max_rollouts >= 0, "at least 0")
        self.require("log_rollouts_every", self.log_rollouts_every >= 0, "at least 0")
        rows = self.prompts_per_step * self.group_size
        if rows % self.gradient_accumulation_steps:
            raise UserError(
                "prompts_per_step x group_size must be divisible by gradient_accumulation_steps: "
                f"{rows} rollouts, {self.gradient_accumulation_steps} parts"
            )

    def ended(self, step: int, rollouts: int) -> bool:
        """Whether nothing is left to train."""
        return super().ended(step, rollouts) or 0 < self.max_rollouts <= rollouts

    def _check_correction(self) -> None:
        low, high = self.rollout_ratio_min, self.rollout_ratio_max
        self.require("rollout_ratio_min", 0 <= low < math.inf, "at least 0 and finite")
        self.require("rollout_ratio_max", high > low, "above rollout_ratio_min")
        if self.loss == "vespo" and self.rollout_correction.startswith("sequence"):
            raise UserError(
                "loss vespo takes ratios of tokens: rollout_correction token_truncate or token_mask"
            )


@dataclass(frozen=True)
class CollectSettings(Training):
    """Rejection fine-tuning on a fixed data set: sample once, filter, train for some epochs.

    `collected.py` samples and filters, `fixed.py` trains. How many optimizer steps that are is
    known when the data are.
    """

    max_steps: int = 1_000_000
    """Most optimizer steps; by default the epochs end it."""
    problems: int = 512
    """Problems that are sampled."""
    samples: int = 8
    """Completions of each problem."""
    max_new_tokens: int = 64
    """Length at which a completion is cut off; one that is cut off counts as wrong."""
    temperature: float = 1.0
    """Of sampling."""
    engine: Literal["auto", "llama_cpu", "transformers", "vllm"] = "auto"
    """What samples; where it cannot, the next one does, with a note."""
    shown: Mapping[str, Any] = field(default_factory=dict)
    """Options of the environment while it is sampled, such as `show_definitions`: training is on
    the prompt without them. They may not change which problems there are."""
    skip_solved: bool = True
    """Leave out problems whose completions are all right."""
    max_per_prompt: int = 0
    """Most right completions kept of one problem; 0 keeps all."""
    problems_per_file: int = 256
    """Problems that are sampled between two saves; what a kill costs at most."""
    epochs: int = 1
    """Times that every kept completion is trained on."""
    batch_size: int = 64
    """Completions an update; updates are evened out, so that none has much fewer."""
    warmup_share: float = 0.0
    """Part of all steps over which the learning rate rises; above 0 it sets `warmup_steps`."""
    max_length: int = 0
    """Tokens of prompt and completion behind which a row is cut; 0 cuts none."""
    treatments: tuple[str, ...] = hashed_if_set(())
    """Treatments that need no rollouts: half_fine_tuning, dco, file.py:Class. Kept completions
    are what they take for demonstrations."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("problems", "samples", "max_new_tokens", "problems_per_file", "epochs"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("max_per_prompt", "max_length"):
            self.require(name, getattr(self, name) >= 0, "at least 0")
        parts = self.gradient_accumulation_steps
        self.require("batch_size", self.batch_size >= parts, f"at least {parts}, one for each part")
        self.require("temperature", 0 < self.temperature < math.inf, "positive and finite")
        self.require("warmup_share", 0 <= self.warmup_share < 1, "at least 0 and below 1")

    def resolved(self, rows: int) -> CollectSettings:
        """The same with the steps and warm-up that `rows` kept completions make."""
        steps = min(self.max_steps, -(-rows * self.epochs // self.batch_size))
        warmup = math.ceil(self.warmup_share * steps) if self.warmup_share else self.warmup_steps
        return replace(self, max_steps=steps, warmup_steps=warmup)
