"""What `sft`, `rft` and `grpo` share: one method on any environment, with any model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rlskills import environments
from rlskills.environments import Environment, seed_from
from rlskills.experiments import ArmConfig, Study, checks
from rlskills.training.stream import TaskStream, Units, taught, units_of
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
    units: Units = "auto"
    """What it chooses between: levels, skills at a level, compositions such as `f>g`, or levels
    that mix so many random skills."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.not_empty(levels=self.levels)

    def environment(self) -> Environment:
        """The environment, with its reward."""
        return environments.load(self.env, reward=self.reward)

    def problems(self, env: Environment) -> Callable[[int], TaskStream]:
        """What the method is trained on, by seed."""
        units = units_of(env, "train", self.levels, self.units)
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
