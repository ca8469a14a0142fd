"""GRPO on any environment, with any model.

    rlskills run grpo --env file.py:Class --levels 1 2 3
    rlskills run grpo --env string_transform --levels 1 2 --model Qwen/Qwen3-0.6B --no-cold-start

Other treatments can be combined with GRPO or take its place (`--treatments`).
A model that never sees a reward cannot learn from rewards, so the tiny preset is first shown some
worked solutions of the same levels (`--cold-start`), of problems that RL never draws. The base and
the trained model are then compared on the environment's own evaluation splits.
"""

from dataclasses import dataclass
from pathlib import Path

from rlskills.cli import command_line, show
from rlskills.experiments import Study, run_study
from rlskills.training.settings import RLSettings
from rlskills_recipes.plain_rl import RLConfig, rl_study


@dataclass(frozen=True, kw_only=True)
class Config(RLConfig):
    """The defaults suit the tiny preset."""

    output: Path = Path("runs/grpo")
    treatments: tuple[str, ...] = ("grpo",)
    rl: RLSettings = RLSettings(max_steps=100, learning_rate=3e-4)
    """Training on rewards."""


def study(config: Config) -> Study:
    """A base, and one RL arm that starts from it."""
    return rl_study(config, "grpo", config.rl)


def main(config: Config) -> None:
    """Run the study, and print its comparison."""
    run_study(study(config), config)
    show(config.output)


if __name__ == "__main__":
    command_line(main, Config, "grpo")
