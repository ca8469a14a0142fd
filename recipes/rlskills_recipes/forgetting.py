"""Three environments one after the other: what does each way of learning lose of the first?

    base -> rl_1 -> rl_2 -> rl_3        nested calls, then rows of calls, then paths in a graph

A cold start shows all three solved, so that rewards come at all. Then every method learns one
environment after the other, from as many samples: RL, rejection fine-tuning with and without the
groups that are right altogether (the instance filter of Lai et al., arXiv 2507.05386), supervised
training on worked solutions, and the same where only half of the weights learn.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rlskills.cli import command_line, show
from rlskills.environments import Environment
from rlskills.experiments import ArmConfig, Study, Supervision, run_study
from rlskills.training.settings import Training
from rlskills.training.stream import COLD_START, Source, mixture, spread
from rlskills_recipes.forgetting_claims import claims
from rlskills_recipes.forgetting_config import ForgettingConfig

TITLE = "What does each way of learning lose when three environments follow each other?"
LEVELS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Config(ForgettingConfig):
    """Five methods, three stages each."""

    output: Path = Path("runs/forgetting")


def study(config: Config) -> Study:
    """A base that has seen all three, and a chain of three arms for each method."""
    tasks, ways = config.tasks(), config.ways()
    lessons: dict[str, tuple[Source, float]] = {}
    for name, env in tasks.items():
        lessons |= spread(name, env, (1,) if name == "nested" else LEVELS, 1 / len(tasks))
    shown = partial(mixture, lessons, start=COLD_START)
    arms = [ArmConfig("base", Supervision.STEPS, config.cold_start, shown)]
    arms += [arm for method in config.methods for arm in _chain(method, *ways[method], tasks)]
    groups = {"common": config.world.calls("common"), **tasks}
    return config.study_of("forgetting", TITLE, arms, groups, LEVELS, config.rl.max_new_tokens,
                           curve_tasks=32, claims=claims())  # fmt: skip


def _chain(
    method: str, how: Training, shown: Supervision, tasks: Mapping[str, Environment]
) -> Iterator[ArmConfig]:
    """Each environment from where the one before it ended."""
    before = "base"
    for number, (name, env) in enumerate(tasks.items(), 1):
        stream = partial(mixture, spread(name, env, LEVELS, 1.0))
        yield ArmConfig(f"{method}_{number}", shown, how, stream, before)
        before = f"{method}_{number}"


def main(config: Config) -> None:
    """Run the study, and print its comparison and verdicts."""
    run_study(study(config), config)
    show(config.output)


if __name__ == "__main__":
    command_line(main, Config, "forgetting")
