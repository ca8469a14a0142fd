"""From our settings to TRL's arguments: every default that would change a run is set explicitly.

What has no setting of ours is given to TRL as it is (`Training.trl`); `OWNED` says which arguments
have one, and is the only list of them.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers.training_args import OptimizerNames

from ..errors import UnknownName, UserError
from ..models.loaded import LoadedModel
from ..models.sharding import sharding
from ..spec import typed
from ..spec.pairs import read_pairs
from .losses.weighed import weighing
from .settings import RLSettings, SFTSettings, Training
from .treatments import make_treatment, supervised_specs

_INSTEAD = {
    "the setting max_steps": "max_steps num_train_epochs",
    "the setting learning_rate": "learning_rate",
    "the setting lr_scheduler": "lr_scheduler_type",
    "the setting warmup_steps": "warmup_steps",
    "the setting weight_decay": "weight_decay",
    "the setting beta2": "adam_beta2",
    "the setting max_grad_norm": "max_grad_norm",
    "the setting optimizer": "optim",
    "the setting gradient_accumulation_steps": "gradient_accumulation_steps steps_per_generation",
    "the setting gradient_checkpointing": "gradient_checkpointing activation_checkpointing",
    "the settings prompts_per_step and group_size, or batch_size": (
        "per_device_train_batch_size generation_batch_size auto_find_batch_size num_generations "
        "num_generations_eval dataloader_drop_last"
    ),
    "the setting max_new_tokens": "max_completion_length",
    "the setting max_prompt_tokens": "max_length truncation_mode",
    "the setting temperature": "temperature",
    "the setting top_p": "top_p",
    "the setting engine (rlskills samples, not TRL)": (
        "top_k min_p repetition_penalty generation_kwargs cache_implementation use_cache "
        "use_transformers_continuous_batching use_transformers_paged use_vllm "
        "transformers_continuous_batching_config ds3_gather_for_generation "
        "vllm_structured_outputs_regex"
    ),
    "the machine's settings of vllm (--machine.vllm.mode and its neighbours)": (
        "vllm_mode vllm_server_base_url vllm_server_host vllm_server_port vllm_server_timeout "
        "vllm_group_port vllm_gpu_memory_utilization vllm_max_model_length vllm_model_impl "
        "vllm_tensor_parallel_size vllm_enable_sleep_mode"
    ),
    "the settings rollout_correction, rollout_ratio_max and rollout_ratio_min": (
        "vllm_importance_sampling_correction vllm_importance_sampling_mode "
        "vllm_importance_sampling_clip_max vllm_importance_sampling_clip_min "
        "vllm_importance_sampling_cap"
    ),
    "the setting loss": "loss_type",
    "the setting beta": "beta",
    "the setting epsilon": "epsilon",
    "the setting epsilon_high": "epsilon_high",
    "the setting entropy_bonus": "entropy_coef",
    "the setting mask_truncated": "mask_truncated_completions",
    "the setting importance_sampling_level": "importance_sampling_level",
    "the setting num_iterations": "num_iterations",
    "the setting treatments (grpo?scale=...)": "scale_rewards multi_objective_aggregation",
    "the environment's reward": "reward_weights max_tool_calling_iterations",
    "the setting save_every": "save_strategy save_steps save_only_model enable_jit_checkpoint",
    "the setting keep_checkpoints": (
        "save_total_limit load_best_model_at_end metric_for_best_model greater_is_better"
    ),
    "the setting eval_every": (
        "do_eval eval_strategy eval_steps eval_delay eval_on_start per_device_eval_batch_size"
    ),
    "the setting log_rollouts_every": (
        "log_completions log_completions_hub_repo num_completions_to_print log_unique_prompts"
    ),
    "the setting report_to": "report_to",
    "the recipe's seeds": "seed data_seed full_determinism",
    "the recipe's output": "output_dir resume_from_checkpoint save_on_each_node",
    "the recipe's machine settings": (
        "bf16 fp16 use_cpu bf16_full_eval fp16_full_eval ddp_timeout"
    ),
    "accelerate launch --config_file (recipes/accelerate/)": (
        "fsdp fsdp_config deepspeed ddp_backend accelerator_config parallelism_config"
    ),
    "the recipe's model options": (
        "model_init_kwargs chat_template_kwargs chat_template_path eos_token pad_token "
        "trust_remote_code"
    ),
    "nothing: rlskills draws and packs its own data": (
        "dataset_kwargs dataset_num_proc dataset_text_field packing packing_strategy padding_free "
        "eval_packing assistant_only_loss completion_only_loss shuffle_dataset ignore_data_skip "
        "remove_unused_columns dataloader_num_workers train_sampling_strategy disable_dropout"
    ),
    "nothing: rlskills logs by itself": (
        "logging_steps logging_strategy logging_first_step logging_nan_inf_filter disable_tqdm "
        "do_train do_predict"
    ),
    "rlskills export": "push_to_hub",
}
OWNED = {theirs: ours for ours, names in _INSTEAD.items() for theirs in names.split()}
"""Arguments of TRL's that are not given on, and what to use instead."""

_PACKAGES = {
    "bitsandbytes": "_8bit _bnb lion_ paged_",
    "torchao": "adamw_torch_4bit adamw_torch_8bit",
    "galore_torch": "galore_",
    "lomo_optim": "lomo",
    "grokadamw": "grokadamw",
    "schedulefree": "schedule_free_",
    "apollo_torch": "apollo_",
    "torch_optimi": "stable_adamw",
}
"""Packages that an optimizer needs, by parts of its name; the last that matches counts."""


def common_arguments(settings: Training, checkpoints: Path, loaded: LoadedModel) -> dict[str, Any]:
    """Arguments that `SFTConfig` and `GRPOConfig` share.

    TRL trains in bf16 with gradient checkpointing unless told otherwise, also on a CPU, and
    neither pays there; logging and progress are ours.
    """
    own = settings.optimizer in OWN_OPTIMIZERS
    return {
        "output_dir": str(checkpoints),
        "max_steps": settings.max_steps,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.lr_scheduler,
        "warmup_steps": settings.warmup_steps,
        "weight_decay": settings.weight_decay,
        "adam_beta2": settings.beta2,
        "max_grad_norm": settings.max_grad_norm,
        "gradient_accumulation_steps": settings.gradient_accumulation_steps,
        "seed": settings.seed,
        "bf16": loaded.autocast_dtype is not None,
        "activation_checkpointing": settings.gradient_checkpointing,
        "use_cpu": _device(loaded).type == "cpu",
        "save_strategy": "steps",
        "save_steps": settings.save_every,
        "save_total_limit": None,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": list(settings.report_to) or "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "remove_unused_columns": False,
        # The stream continues by itself; skipping batches would draw tasks and throw them away.
        "ignore_data_skip": True,
        **({} if own else {"optim": settings.optimizer}),
        **read_pairs(settings.trl, "trl"),
    }


def _device(loaded: LoadedModel) -> torch.device:
    """Where it will be trained: weights that will be sharded wait for it on the CPU."""
    return torch.device(str(PartialState().device)) if sharding() else loaded.device


OWN_OPTIMIZERS = ("adamw", "muon")
"""`adamw` is the default of the library, `muon` ours (`optim.py`)."""


def check_arguments(settings: Training, config: type[Any]) -> None:
    """A `UserError` for what `config`, TRL's dataclass, or this machine cannot do.

    To be called before anything is loaded.
    """
    _check_optimizer(settings.optimizer)
    for package in settings.report_to:
        if find_spec(package) is None:
            raise UserError(f"report_to {package}: it is not installed (pip install {package})")
    given = read_pairs(settings.trl, "trl")
    supervised = not isinstance(settings, RLSettings)
    if supervised:
        _check_supervised(getattr(settings, "treatments", ()), given)
    if not given:
        return
    known = {item.name for item in fields(config) if item.init}
    # Supervised losses have no setting of ours.
    for name in given:
        if name in OWNED and name in known and not (name == "loss_type" and supervised):
            raise UserError(f"trl: {name} is not given on; use {OWNED[name]}")
        if name not in known:
            raise UnknownName("argument of TRL", name, _nearest(name, known - OWNED.keys()))
    for name, value in typed(given, config, "trl").items():
        if isinstance(given[name], str) and not isinstance(value, str):
            raise UserError(f"trl: {name}={given[name]} is not JSON, such as {json.dumps(value)}")
    try:
        config(output_dir="unused", bf16=False, report_to="none", **given)
    except (ValueError, TypeError, ImportError) as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"trl: {' '.join(settings.trl)} is refused: {reason}") from error


def _check_supervised(specs: Sequence[str], given: Mapping[str, object]) -> None:
    """A `UserError` for treatments that a supervised arm cannot have, or not with this loss."""
    supervised_specs(specs)
    if weigh := weighing([make_treatment(spec) for spec in specs]):
        for name, plain in (("loss_type", "nll"), ("label_smoothing_factor", 0)):
            if given.get(name, plain) != plain:
                raise UserError(
                    f"treatment {weigh[0].spec.name} weighs the plain cross-entropy of "
                    f"demonstrations, and trl {name}={given[name]} takes another loss"
                )


def _check_optimizer(name: str) -> None:
    names = [*OWN_OPTIMIZERS, *(known.value for known in OptimizerNames)]
    if name not in names:
        raise UnknownName("optimizer", name, names)
    needed = None
    for package, parts in _PACKAGES.items():
        if any(part in name for part in parts.split()):
            needed = package
    if needed and find_spec(needed) is None:
        raise UserError(
            f"optimizer {name} needs the package {needed} (pip install {needed.replace('_', '-')})"
        )


def _nearest(name: str, known: Iterable[str]) -> Iterator[str]:
    """Names that a typing error may mean: all 150 would not be one line to read."""
    yield from difflib.get_close_matches(name, sorted(known), n=5, cutoff=0.4)


def check_shares(settings: Training, processes: int) -> None:
    """A `UserError` where an update cannot be shared by processes and parts without a rest."""
    parts = settings.gradient_accumulation_steps
    shares = f"processes x gradient_accumulation_steps ({processes} x {parts})"
    if isinstance(settings, SFTSettings) and settings.batch_size < processes * parts:
        raise UserError(f"batch_size ({settings.batch_size}) must be at least {shares}")
    if not isinstance(settings, RLSettings):
        return
    rows = settings.prompts_per_step * settings.group_size
    if rows % (processes * parts):
        raise UserError(f"prompts_per_step x group_size ({rows}) must be divisible by {shares}")
    if settings.prompts_per_step % processes:
        raise UserError(
            f"prompts_per_step ({settings.prompts_per_step}) must be a multiple of "
            f"{processes} processes"
        )
