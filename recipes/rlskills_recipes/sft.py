"""Supervised fine-tuning on any environment, with any model.

    rlskills run sft --env graph_path?preset=tiny --levels 2 --sft.target answer

The model is trained on worked solutions that the environment writes, or on bare answers, and is
compared with the model it started from on the environment's own evaluation splits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from rlskills.cli import command_line, show
from rlskills.experiments import ArmConfig, Study, Supervision, checks, run_study
from rlskills.training.settings import SFTSettings
from rlskills_recipes.plain import PlainConfig


@dataclass(frozen=True, kw_only=True)
class Config(PlainConfig):
    """The defaults suit the tiny preset."""

    for_other_models: ClassVar[Mapping[str, Any]] = {
        "sft": {"batch_size": 32, "learning_rate": 1e-5}, "max_new_tokens": 512,
    }  # fmt: skip
    output: Path = Path("runs/sft")
    sft: SFTSettings = SFTSettings(
        max_steps=300, batch_size=64, learning_rate=3e-3, lr_scheduler="cosine", warmup_steps=30
    )
    """Training on demonstrations."""
    max_new_tokens: int = 64
    """Length at which an answer is cut off in the evaluation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.positive(max_new_tokens=self.max_new_tokens)


def study(config: Config) -> Study:
    """The model as it is, and the same model after training."""
    env, worked = config.environment(), config.sft.target == "worked"
    supervision = Supervision.STEPS if worked else Supervision.ANSWERS
    about = {"curriculum": config.curriculum, "units": config.units}
    base = ArmConfig("base", Supervision.NONE)
    arm = ArmConfig("sft", supervision, config.sft, config.problems(env), "base", about=about)
    return config.plain_study("sft", env, [base, arm], config.max_new_tokens)


def main(config: Config) -> None:
    """Run the study, and print its comparison."""
    run_study(study(config), config)
    show(config.output)


if __name__ == "__main__":
    command_line(main, Config, "sft")
