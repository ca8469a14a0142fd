"""Rollouts that curricula need on pools of several kinds (`pools.py`).

All arms are GRPO from the tiny models that ship, in turn by seed, on as many rollouts; only the
choice of problems differs (docs/studies/curricula.md).
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rlskills.cli import command_line, show
from rlskills.experiments import ArmConfig, Study, Supervision, checks, run_study
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import COLD_START, mixture, taught
from rlskills_recipes.curricula_tables import arm_names, print_reached
from rlskills_recipes.pools import POOLS, PoolName
from rlskills_recipes.shared import StudyConfig

RL = {"max_steps": 120, "prompts_per_step": 32, "optimizer": "muon", "learning_rate": 2e-4,
      "max_new_tokens": 112, "eval_every": 8, "save_every": 40}  # fmt: skip
METHODS = ("uniform", "default", "pooled_progress", "replay?inner=pooled_progress", "sec", "mopps",
           "alp_gmm", "plr", "dapo?max_resamples=3")  # fmt: skip
SHOWN = {"max_steps": 300, "batch_size": 64, "optimizer": "muon", "learning_rate": 1e-3}


@dataclass(frozen=True, kw_only=True)
class Config(StudyConfig):
    """All arms share everything but what chooses their problems."""

    output: Path = Path("runs/curricula")
    seeds: int = 5
    model: str = "tiny-base"
    pool: PoolName = "mixed"
    """Where the problems are chosen from; another pool needs another output folder."""
    methods: tuple[str, ...] = METHODS
    """Curricula by name, or file.py:Class; the first is what speed-ups are measured against."""
    targets: tuple[float, ...] = (0.4, 0.45, 0.5, 0.55, 0.6)
    """Greedy accuracies to reach, mean over the eval sets of the pool."""
    grpo: RLSettings = RLSettings(**RL)
    """The same for all."""
    cold_start: SFTSettings = SFTSettings(**SHOWN)
    """Worked solutions first, in a pool with problems that the base has not seen."""
    eval_tasks: int = 64
    samples: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.not_empty(methods=self.methods, targets=self.targets)
        checks.positive(**{f"targets {t}": t for t in self.targets})


def study(config: Config) -> Study:
    """One arm per curriculum, from the quickstart's bases in turn."""
    plan, grpo, arms = POOLS[config.pool](), config.grpo, []
    if plan.lessons:
        shown = partial(mixture, plan.lessons, start=COLD_START)
        arms.append(ArmConfig("base", Supervision.STEPS, config.cold_start, shown))
    for name, method in arm_names(config.methods).items():
        # A method that resamples its batches makes fewer updates, of no more rollouts.
        rounds = 1 + taught(plan.units, method, 0).curriculum.max_resamples
        fewer = replace(grpo, max_steps=max(grpo.max_steps // rounds, 1),
                        eval_every=-(-grpo.eval_every // rounds))  # fmt: skip
        problems, start = partial(taught, plan.units, method), "base" if plan.lessons else ""
        arms.append(ArmConfig(name, Supervision.ANSWERS, fewer, problems, start,
                              about={"curriculum": method}))  # fmt: skip
    return config.study_of("curricula", "Rollouts that curricula need", arms, plan.groups,
                           plan.levels, grpo.max_new_tokens, curve_tasks=config.eval_tasks,
                           about={"recipe": "curricula", "pool": config.pool})  # fmt: skip


def main(config: Config) -> None:
    """Run the study, and print its comparison and when each curriculum reached the targets."""
    run_study(study(config), config)
    show(config.output, "rollouts")
    plan, methods = POOLS[config.pool](), arm_names(config.methods)
    print_reached(config.output, config.all_seeds, methods, config.targets, plan)


if __name__ == "__main__":
    command_line(main, Config, "curricula")
