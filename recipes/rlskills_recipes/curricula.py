"""Rollouts that curricula need on pools of several kinds.

Units are a function applied last and a level. The pool `open` has train functions, up to five
deep; `mixed` puts them among single calls of common functions, which the base has mastered,
unsolvable problems, and problems whose grader tosses a coin; in `disguised` these wear labels of
units that can be learned. All arms are GRPO from the tiny models that ship, in turn by seed, on as
many rollouts; only the choice of problems differs (docs/studies/curricula.md).
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rlskills.cli import command_line, show
from rlskills.experiments import ArmConfig, Study, Supervision, checks, run_study
from rlskills.training.settings import RLSettings
from rlskills.training.stream import taught
from rlskills_recipes.pools import POOLS, PoolName, arm_names, print_reached
from rlskills_recipes.shared import StudyConfig
from rlskills_recipes.string_world import World

TITLE = "Rollouts that curricula need"
RL = {"max_steps": 120, "prompts_per_step": 32, "optimizer": "muon", "learning_rate": 2e-4,
      "max_new_tokens": 112, "eval_every": 8, "save_every": 40}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config(StudyConfig):
    """All arms share everything but what chooses their problems."""

    output: Path = Path("runs/curricula")
    seeds: int = 5
    model: str = "tiny-base"
    pool: PoolName = "mixed"
    """Where the problems are chosen from; another pool needs another output folder."""
    methods: tuple[str, ...] = ("uniform", "default", "sec", "mopps", "dapo?max_resamples=3",
                                "alp_gmm")  # fmt: skip
    """Curricula by name, or file.py:Class; the first is what speed-ups are measured against."""
    targets: tuple[float, ...] = (0.4, 0.45, 0.5, 0.55, 0.6)
    """Greedy accuracies on test problems of train functions, mean of levels 2 to 4, to reach."""
    grpo: RLSettings = RLSettings(**RL)
    """The same for all."""
    eval_tasks: int = 64
    samples: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.not_empty(methods=self.methods, targets=self.targets)
        checks.positive(**{f"targets {t}": t for t in self.targets})


def study(config: Config) -> Study:
    """One arm per curriculum, from the quickstart's bases in turn."""
    arms, pool, grpo = [], POOLS[config.pool](World()), config.grpo
    for name, method in arm_names(config.methods).items():
        # A method that resamples its batches makes fewer updates, of no more rollouts in all.
        rounds = 1 + taught(pool, method, 0).curriculum.max_resamples
        steps, every = max(grpo.max_steps // rounds, 1), -(-grpo.eval_every // rounds)
        fewer = replace(grpo, max_steps=steps, eval_every=every)
        arms.append(ArmConfig(name, Supervision.ANSWERS, fewer, partial(taught, pool, method),
                              about={"curriculum": method}))  # fmt: skip
    return config.study_of("curricula", TITLE, arms, {"train": World().calls("train")}, (2, 3, 4),
                           grpo.max_new_tokens, curve_tasks=config.eval_tasks,
                           about={"recipe": "curricula", "pool": config.pool})  # fmt: skip


def main(config: Config) -> None:
    """Run the study, and print its comparison and when each curriculum reached the targets."""
    run_study(study(config), config)
    show(config.output, "rollouts")
    print_reached(config.output, config.all_seeds, arm_names(config.methods), config.targets)


if __name__ == "__main__":
    command_line(main, Config, "curricula")
