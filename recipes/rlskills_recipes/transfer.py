"""Does composing strings help to compose arithmetic? RL on strings only, asked Countdown.

"From f(x) and g(x) to f(g(x))" (arXiv 2509.25123, section 4.3): where a model knows the atoms of
both tasks, RL that composes those of one raises compositions of the other; where it does not,
nothing carries over. Here the atoms of Countdown are single operations (`countdown` at level 1),
shown solved beside single string calls, which the tiny model that ships knows already.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rlskills import environments
from rlskills.cli import command_line, show
from rlskills.experiments import ArmConfig, Study, Supervision, run_study
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import COLD_START, mixture, spread
from rlskills_recipes.quickstart_config import STAGE2
from rlskills_recipes.shared import StudyConfig
from rlskills_recipes.string_world import World
from rlskills_recipes.transfer_claims import CLAIMS

TITLE = "Does RL on composing strings raise what a model solves in Countdown?"
SHOWN = {"max_steps": 400, "batch_size": 64, "optimizer": "muon", "learning_rate": 2e-3,
         "warmup_steps": 20, "lr_scheduler": "cosine", "eval_every": 0}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config(StudyConfig):
    """RL is the same from both models."""

    output: Path = Path("runs/transfer")
    seeds: int = 5
    model: str = "tiny-base"
    atoms: SFTSettings = SFTSettings(**SHOWN)
    """Single operations and single calls, solved."""
    rl: RLSettings = RLSettings(**STAGE2, group_size=4)
    """On strings only."""
    countdown: str = "preset=tiny&largest=20&target=99"
    """Options of the environment that is never trained on by RL."""
    world: World = World()
    """The functions."""


def study(config: Config) -> Study:
    """A model that knows strings, one that knows both, and RL on strings from either."""
    strings, numbers = config.world.calls("train"), f"countdown?{config.countdown}"
    both = spread("string", config.world.calls("all"), (1,), 0.5)
    both |= spread("countdown", environments.load(numbers), (1,), 0.5)
    single, mixed = (spread("train", strings, levels, 1.0) for levels in ((1,), (1, 2)))
    answers = Supervision.ANSWERS
    arms = [
        ArmConfig("base", Supervision.NONE),
        ArmConfig("multi", Supervision.STEPS, config.atoms,
                  partial(mixture, both, start=COLD_START), "base"),
        ArmConfig("multi_rl_l12", answers, config.rl, partial(mixture, mixed), "multi"),
        ArmConfig("multi_rl_l1", answers, config.rl, partial(mixture, single), "multi"),
        ArmConfig("string_rl_l12", answers, config.rl, partial(mixture, mixed), "base"),
    ]  # fmt: skip
    groups = {"train": strings, "countdown": environments.load(numbers)}
    return config.study_of("transfer", TITLE, arms, groups, (1, 2, 3), 96, curve_tasks=32,
                           claims=CLAIMS)  # fmt: skip


def main(config: Config) -> None:
    """Run the study, and print its comparison and verdicts."""
    run_study(study(config), config)
    show(config.output)


if __name__ == "__main__":
    command_line(main, Config, "transfer")
