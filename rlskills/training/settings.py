"""What can be set, as dataclasses: parsed by the command line, saved in the run, hashed there.

The defaults are for the tiny preset. All amounts are for the whole run over all processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import UserError

LossType = Literal["grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "luspo", "vespo"]


@dataclass(frozen=True)
class Training:
    """Common to all methods."""

    max_steps: int = 150
    """Optimizer steps."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """AdamW, or Muon for the matrices of the layers and AdamW for the rest."""
    learning_rate: float = 1e-4
    """Peak learning rate."""
    lr_scheduler: Literal["constant", "cosine", "linear"] = "constant"
    """Shape of the learning rate after warm-up."""
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
    bf16: bool = False
    """Mixed precision; for GPUs."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: slower, less memory."""
    seed: int = 0
    """Of everything that draws."""

    def __post_init__(self) -> None:
        positive = {
            "max_steps": self.max_steps,
            "learning_rate": self.learning_rate,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
            "save_every": self.save_every,
            "keep_checkpoints": self.keep_checkpoints,
        }
        for name, value in positive.items():
            if value <= 0:
                raise UserError(f"{name} must be positive, not {value}")


@dataclass(frozen=True)
class SFTSettings(Training):
    """Supervised fine-tuning on demonstrations that the environment writes."""

    batch_size: int = 512
    """Demonstrations an update."""
    target: Literal["worked", "answer"] = "worked"
    """Show every step of the solution, or the bare answer."""


@dataclass(frozen=True)
class RolloutSettings(Training):
    """Common to methods that learn from what the policy samples."""

    prompts_per_step: int = 64
    """Problems an update."""
    group_size: int = 8
    """Completions a problem."""
    max_new_tokens: int = 64
    """Length at which a completion is cut off."""
    temperature: float = 1.0
    """Of sampling."""
    use_vllm: bool = False
    """Sample with vLLM in the training process (GPU only)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.prompts_per_step < 1 or self.group_size < 2:
            raise UserError("prompts_per_step must be at least 1 and group_size at least 2")
        if self.prompts_per_step * self.group_size % self.gradient_accumulation_steps:
            raise UserError(
                "prompts_per_step x group_size must be divisible by gradient_accumulation_steps"
            )


@dataclass(frozen=True)
class GRPOSettings(RolloutSettings):
    """Group-relative policy optimisation (Shao et al. 2024, arXiv 2402.03300, section 4)."""

    loss: LossType = "dapo"
    """Loss by TRL's name."""
    beta: float = 0.0
    """Weight of the KL term against the starting model; 0 loads no reference."""
    epsilon: float = 0.2
    """Clip range; without effect while every round is trained on once."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """Divide advantages by the standard deviation of the rewards of the group, batch, or not."""
    entropy_bonus: float = 0.0
    """Weight of an entropy term."""
    dead_groups: Literal["keep", "drop", "refill"] = "drop"
    """Groups whose rewards are all alike: train on them, leave them out, or sample others instead
    (dynamic sampling; Yu et al. 2025, DAPO, arXiv 2503.14476, section 3.2)."""
    max_rounds: int = 4
    """Most rounds of sampling for one update under `refill`."""


@dataclass(frozen=True)
class RFTSettings(RolloutSettings):
    """Rejection fine-tuning on the policy's own right completions, sampled anew every update."""

    max_per_prompt: int = 0
    """Most right completions kept of one problem; 0 keeps all."""
    skip_solved: bool = False
    """Leave out problems whose completions are all right, as the paper's filter does."""
