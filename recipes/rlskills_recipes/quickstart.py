"""RL against supervised training on composing known functions.

A tiny model that ships knows 64 string functions, and how to compose 32 of them (`--from-scratch`
trains it). Four arms start from it, on problems that nest one or two of 16 others: GRPO, rejection
fine-tuning, supervised training on bare answers and on worked solutions. `--quick`: two of them.
"""

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from rlskills.cli import command_line, show
from rlskills.experiments import ArmConfig, Study, Supervision, checks, run_study
from rlskills.training.stream import mixture
from rlskills_recipes.quickstart_config import HIGHLIGHTS, QuickstartConfig

TITLE = "RL against supervised training on composing known functions"


@dataclass(frozen=True, kw_only=True)
class Config(QuickstartConfig):
    """The defaults are those of `make quickstart`."""

    output: Path = Path("runs/quickstart")


def study(config: Config) -> Study:
    """A base, and arms of four methods that start from it."""
    world, lessons = config.world, config.world.lessons()
    problems, about = world.compositions(config.alone), {"alone": config.alone}
    note = "single calls, common compositions"
    base = ArmConfig("base", Supervision.STEPS, supervision_note=note)
    if config.from_scratch:
        base = replace(base, settings=config.stage1, stream=lambda seed: mixture(lessons, seed))
    arm = partial(ArmConfig, stream=lambda seed: mixture(problems, seed), start="base", about=about)
    arms = {
        "grpo": arm("grpo", Supervision.ANSWERS, config.grpo),
        "rft": arm("rft", Supervision.ANSWERS, config.rft),
        "sft_answers": arm(
            "sft_answers", Supervision.ANSWERS, replace(config.sft, target="answer")
        ),
        "sft_worked": arm("sft_worked", Supervision.STEPS, replace(config.sft, target="worked")),
    }
    checks.known("arm", config.arms, arms)
    chosen = (arms[name] for name in config.arms)
    return config.study_of(
        "quickstart", TITLE, [base, *chosen], world.groups(), range(1, 5), max_new_tokens=128,
        curve_tasks=32, about={"recipe": "quickstart", **asdict(world)}, minutes=10,
        model="tiny" if config.from_scratch else config.model,
    )  # fmt: skip


def main(config: Config) -> None:
    """Run the study, and print its comparison."""
    run_study(study(config), config)
    show(config.output, highlights=HIGHLIGHTS)


if __name__ == "__main__":
    command_line(main, Config, "quickstart")
