"""Supervised training and RL on the same grid: two and three nested calls, asked up to five.

Critics of "RL composes, supervised training does not" say that supervised training was shown too
little: one depth, or bare answers. Here all arms start from a tiny model that ships and see
problems of two and three calls of train functions, on as many samples; what differs is how they
learn, and whether they are told answers or every step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rlskills.cli import command_line, show
from rlskills.experiments import ArmConfig, Study, Supervision, checks, run_study
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import Source, mixture, spread
from rlskills_recipes.critics_claims import claims
from rlskills_recipes.quickstart_config import STAGE2
from rlskills_recipes.shared import StudyConfig
from rlskills_recipes.string_world import World

TITLE = "Does supervised training compose as RL does, when it is shown as much?"
SHORT = {**STAGE2, "max_new_tokens": 96}
ARMS = ("sft_worked", "rl", "rl_steps", "sft_answers")


@dataclass(frozen=True, kw_only=True)
class Config(StudyConfig):
    """All arms share everything but their method."""

    output: Path = Path("runs/critics")
    seeds: int = 5
    model: str = "tiny-base"
    arms: tuple[str, ...] = ARMS
    """RL on answers, RL that is told the right steps (`step_credit`), supervised on either."""
    rl: RLSettings = RLSettings(**SHORT, group_size=4)
    sft: SFTSettings = SFTSettings(**STAGE2, batch_size=256)
    """Supervised arms: as many samples in an update."""
    world: World = World()
    """The functions."""
    samples: int = 4

    def problems(self) -> Mapping[str, tuple[Source, float]]:
        """A fifth single calls, the others of two and three."""
        train = self.world.calls("train")
        return spread("train", train, (1,), 0.2) | spread("train", train, (2, 3), 0.8)


def study(config: Config) -> Study:
    """The base as it is, and the arms that start from it."""
    arm = partial(ArmConfig, stream=partial(mixture, config.problems()), start="base")
    answers, steps = Supervision.ANSWERS, Supervision.STEPS
    told = replace(config.rl, treatments=("step_credit",))
    arms = {
        "rl": arm("rl", answers, config.rl), "rl_steps": arm("rl_steps", steps, told),
        "sft_answers": arm("sft_answers", answers, replace(config.sft, target="answer")),
        "sft_worked": arm("sft_worked", steps, replace(config.sft, target="worked")),
    }  # fmt: skip
    checks.known("arm", config.arms, arms)
    chosen = [ArmConfig("base", Supervision.NONE), *(arms[name] for name in config.arms)]
    return config.study_of("critics", TITLE, chosen, config.world.groups(), range(1, 6), 160,
                           curve_tasks=32, claims=claims())  # fmt: skip


def main(config: Config) -> None:
    """Run the study, and print its comparison and verdicts."""
    run_study(study(config), config)
    show(config.output)


if __name__ == "__main__":
    command_line(main, Config, "critics")
