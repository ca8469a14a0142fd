"""What each training method makes of the same rollouts.

Every arm starts from a tiny model that ships and samples as many completions of problems that nest
two functions; only what is learned from them differs. Probes ask deeper compositions, functions
that no arm composed, and what the model knew before (docs/studies/treatments.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rlskills.cli import command_line
from rlskills.experiments import ArmConfig, Study, Supervision, checks, run_study
from rlskills.training.settings import RLSettings
from rlskills.training.stream import mixture
from rlskills_recipes.shared import StudyConfig
from rlskills_recipes.string_world import World
from rlskills_recipes.treatments_claims import CLAIMS
from rlskills_recipes.treatments_table import METHODS, arm_of, print_arena
from rlskills_recipes.treatments_untested import UNTESTED

TITLE = "What each training method makes of the same rollouts"
RL = {"max_steps": 80, "prompts_per_step": 32, "group_size": 8, "optimizer": "muon",
      "learning_rate": 2e-4, "warmup_steps": 5, "eval_every": 20, "max_rollouts": 80 * 256,
      "log_rollouts_every": 20}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config(StudyConfig):
    """All arms share everything but their treatments."""

    output: Path = Path("runs/treatments")
    seeds: int = 5
    model: str = "tiny-base"
    only: tuple[str, ...] = METHODS
    """Methods: treatments as in `--treatments`, several of an arm in quotes with blanks between;
    plain grpo, which the others are measured against, is always among them."""
    rl: RLSettings = RLSettings(**RL)
    """The same for all; a method that samples more in an update makes fewer of them."""
    alone: float = 0.2
    """Share of single calls among the problems; the others nest two."""
    samples: int = 8
    world: World = World()
    """The functions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.not_empty(only=self.only)

    def methods(self) -> Iterator[tuple[str, ...]]:
        """The treatments of each arm, plain grpo first."""
        named = [tuple(words.split()) for words in self.only if words.split() != ["grpo"]]
        return iter([("grpo",), *dict.fromkeys(named)])


def study(config: Config) -> Study:
    """The base as it is, and an arm for each method."""
    # It imports torch, for which a recipe's help need not wait.
    from rlskills.training.treatments import supervision_of

    stream = partial(mixture, config.world.compositions(config.alone))
    arms = [ArmConfig("base", Supervision.NONE)]
    for method in config.methods():
        shown = Supervision(supervision_of(method))
        settings = replace(config.rl, treatments=method)
        arms.append(ArmConfig(arm_of(method), shown, settings, stream, "base"))
    return config.study_of("treatments", TITLE, arms, config.world.groups(), (1, 2, 3, 4),
                           max_new_tokens=128, curve_tasks=32, minutes=60,
                           about={"alone": config.alone}, claims=(*CLAIMS, *UNTESTED))  # fmt: skip


def main(config: Config) -> None:
    """Run the study, and print what is certain of each method beside plain GRPO."""
    run_study(study(config), config)
    print_arena(config.output)


if __name__ == "__main__":
    command_line(main, Config, "treatments")
