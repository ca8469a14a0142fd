"""Does GRPO raise the reward on every environment?

Runs the study of the recipe `grpo` on each with the tiny preset: a short cold start on worked
solutions, so that the base is right sometimes, then twenty updates of GRPO. Rewards of sampled
answers to fixed test problems are then compared, each problem with itself.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from rlskills import environments
from rlskills.cli import command_line
from rlskills.console import Console
from rlskills.experiments import checks, run_study
from rlskills.stats import accuracy_interval, paired_difference
from rlskills.training.settings import RLSettings
from rlskills_recipes import grpo
from rlskills_recipes.environment_settings import SETTINGS, Setting
from rlskills_recipes.results import print_row, rewards
from rlskills_recipes.shared import StudyConfig

RL = {"max_steps": 20, "prompts_per_step": 128, "group_size": 16, "lr_scheduler": "linear",
      "warmup_steps": 3, "eval_every": 0}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config(StudyConfig):
    """The defaults are what docs/studies/environments.md was made with."""

    output: Path = Path("runs/environments")
    only: tuple[str, ...] = ()
    """Names of environments; empty takes all that are registered."""
    rl: RLSettings = RLSettings(**RL)
    """Of all; the length of answers and the learning rate are each environment's own."""
    cold_start_steps: int = 0
    """Steps of the cold start; 0 takes each environment's own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.positive(samples=self.samples)
        checks.not_negative(cold_start_steps=self.cold_start_steps)


def grpo_config(config: Config, name: str) -> grpo.Config:
    """The recipe `grpo` on one environment, with this recipe's settings."""
    setting = SETTINGS.get(name, Setting())
    preset = "preset" in environments.load(name).describe()["config"]
    options = "&".join(filter(None, ["preset=tiny" * preset, setting.options]))
    steps = config.cold_start_steps or setting.cold_start
    return grpo.Config(
        env=f"{name}?{options}" if options else name,
        levels=setting.levels,
        rl=replace(config.rl, max_new_tokens=setting.tokens, learning_rate=setting.rate),
        cold_start=replace(grpo.Config.cold_start, max_steps=steps, eval_every=0),
        **{**config.common(), "output": config.output / name},
    )


def main(config: Config) -> None:
    """Run all, and print a row for each environment."""
    print_row("environment", "levels", "cold start", "reward before", "after", "paired difference")
    print_row(*["---"] * 6)
    for name in config.only or environments.names():
        chosen = grpo_config(config, name)
        row = (name, ", ".join(map(str, chosen.levels)), chosen.cold_start.max_steps)
        try:
            run_study(grpo.study(chosen), chosen, Console(stderr=True))
        except Exception as error:  # what cannot be trained on must not hide the others
            print_row(*row, f"not run: {' '.join(str(error).split())}", "", "")
            continue
        seeds = [chosen.output / f"seed{seed}" for seed in config.all_seeds]
        base, trained = ([rewards(seed / arm) for seed in seeds] for arm in ("base", "grpo"))
        change = paired_difference(trained, base)
        cells = accuracy_interval(base), accuracy_interval(trained)
        print_row(*row, *cells, f"{change}{' *' * change.excludes(0)}")


if __name__ == "__main__":
    command_line(main, Config, "environments")
