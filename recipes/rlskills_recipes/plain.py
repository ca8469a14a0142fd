"""What `sft`, `rft` and `grpo` share: one method on any environment, with any model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rlskills import environments
from rlskills.environments import Environment, seed_from
from rlskills.experiments import ArmConfig, Study, Supervision, checks
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import COLD_START, TaskStream, taught, uniform, units_of
from rlskills.training.treatments import arm_name, supervision_of
from rlskills_recipes.shared import StudyConfig


@dataclass(frozen=True, kw_only=True)
class PlainConfig(StudyConfig):
    """The defaults suit the tiny preset."""

    env: str
    """A name, file.py:Class, or either with options: "string_transform?preset=tiny"."""
    levels: tuple[int, ...] = (1,)
    """Levels to train on."""
    eval_levels: tuple[int, ...] = ()
    """Levels to evaluate on; empty: those trained on."""
    reward: str = "binary"
    """binary (1 or 0), or paper (1, 0, and -1 for an unreadable answer)."""
    curriculum: str = "uniform"
    """What chooses the problems: a name of `rlskills curriculum list`, or file.py:Class."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.not_empty(levels=self.levels)

    def environment(self) -> Environment:
        """The environment, with its reward."""
        return environments.load(self.env, reward=self.reward)

    def problems(self, env: Environment) -> Callable[[int], TaskStream]:
        """What the method is trained on, by seed."""
        units = units_of(env, "train", self.levels)
        return lambda seed: taught(units, self.curriculum, seed_from("problems", seed))

    def plain_study(
        self, name: str, env: Environment, arms: list[ArmConfig], max_new_tokens: int
    ) -> Study:
        """The study of these arms on the environment's own evaluation splits."""
        about: dict[str, Any] = {"recipe": "plain", "env": self.env, "env_version": env.version,
                                 "levels": self.levels, "reward": self.reward}  # fmt: skip
        return self.study_of(name, f"{name.upper()} on {env.name}", arms, {env.name: env},
                             self.eval_levels or self.levels, max_new_tokens,
                             about=about)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RLConfig(PlainConfig):
    """RL, where a model that never sees a reward is first shown some worked solutions."""

    cold_start: SFTSettings = SFTSettings(
        max_steps=300, batch_size=64, learning_rate=3e-3, lr_scheduler="cosine", warmup_steps=30,
        save_every=100,
    )  # fmt: skip
    """Supervised training on worked solutions before RL."""
    no_cold_start: bool = False
    """Start RL from the model as it is."""
    treatments: tuple[str, ...] = ("grpo",)
    """What is learned from rollouts (`rlskills treatment list`), in the order of their stages;
    in the place of `--rl.treatments`."""


def rl_study(config: RLConfig, name: str, settings: RLSettings) -> Study:
    """A base, shown worked solutions or taken as it is, and an RL arm on other problems."""
    env, about = config.environment(), {"curriculum": config.curriculum}
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
