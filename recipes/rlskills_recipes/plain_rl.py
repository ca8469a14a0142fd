"""What `rft` and `grpo` share: a cold start, then training on rewards."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rlskills.experiments import ArmConfig, Study, Supervision
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import COLD_START, uniform
from rlskills_recipes.plain import PlainConfig


@dataclass(frozen=True, kw_only=True)
class RLConfig(PlainConfig):
    """RL, where a model that never sees a reward is first shown some worked solutions."""

    for_other_models: ClassVar[Mapping[str, Any]] = {
        "cold_start": {"max_steps": 30, "batch_size": 16, "learning_rate": 2e-5, "warmup_steps": 3},
        "rl": {"learning_rate": 1e-6, "max_new_tokens": 512, "prompts_per_step": 16},
    }
    """Defaults for pretrained models: rates of fine-tuning, and answers of their length."""

    cold_start: SFTSettings = SFTSettings(
        max_steps=300, batch_size=64, learning_rate=3e-3, lr_scheduler="cosine", warmup_steps=30,
        save_every=100,
    )  # fmt: skip
    """Supervised training on worked solutions before RL."""
    no_cold_start: bool = False
    """Start RL from the model as it is."""
    treatments: tuple[str, ...] = ("grpo",)
    """What is learned from rollouts (`rlskills treatment list`), in the order of their stages;
    instead of `--rl.treatments`."""


def rl_study(config: RLConfig, name: str, settings: RLSettings) -> Study:
    """A base, shown worked solutions or taken as it is, and an RL arm on other problems."""
    # They import torch, for which a recipe's help need not wait.
    from rlskills.training.treatments import arm_name, supervision_of

    env, about = config.environment(), {"curriculum": config.curriculum, "units": config.units}
    settings = replace(settings, treatments=config.treatments)
    supervision = Supervision(supervision_of(config.treatments))
    base = ArmConfig("base", Supervision.NONE)
    if not config.no_cold_start:
        base = ArmConfig(
            "base", Supervision.STEPS, config.cold_start,
            lambda seed: uniform(env, "train", config.levels, seed, start=COLD_START),
        )  # fmt: skip
    arm = arm_name(config.treatments)
    rl = ArmConfig(arm, supervision, settings, config.problems(env), "base", about=about)
    return config.plain_study(name, env, [base, rl], settings.max_new_tokens)
