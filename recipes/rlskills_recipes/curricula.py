"""Rollouts that curricula need to reach fixed accuracies, on a pool most of which is useless.

Units are a function applied last and a level. The pool mixes single calls of common functions,
which the base has mastered, compositions of train functions one to five deep, problems that no
answer solves, and problems whose grader tosses a coin. All arms are GRPO from one quickstart's base
with one budget of rollouts; only the choice of problems differs (docs/curricula_trained.md).
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from rlskills import environments
from rlskills.cli import command_line
from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import EvalConfig
from rlskills.experiments.arms import EvalPlan
from rlskills.experiments.experiment import Experiment, Machine, Rival
from rlskills.report.logged import means_table
from rlskills.report.reached import reached_table
from rlskills.report.write import write_report
from rlskills.training.settings import GRPOSettings
from rlskills.training.stream import Source, taught, units_of
from rlskills_envs.distractors import Coin, Impossible

SHARES = ("kind/impossible", "kind/coin", "kind/mastered", "L2", "L3", "L4", "L5", "dead")
"""What is told of where rollouts went; the rest of them were single calls to learn."""
METHODS = ("uniform", "default", "sec", "mopps", "dapo?max_resamples=3", "alp_gmm")


@dataclass(frozen=True)
class Curricula:
    """All arms share everything but what chooses their problems."""

    output: Path = Path("runs/curricula")
    """Folder of all runs; what is complete there is not run again."""
    quickstart: Path = Path("runs/quickstart")
    """Where the bases are: the folder of a quickstart, run at least with `--arms` and no names."""
    bases: int = 3
    """Bases to start from in turn: the quickstart's first seeds."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Repetitions; seed n starts from base n modulo `bases`."""
    methods: tuple[str, ...] = METHODS
    """Curricula by name, or file.py:Class; the first is what speed-ups are measured against."""
    targets: tuple[float, ...] = (0.4, 0.45, 0.5, 0.55, 0.6)
    """Greedy accuracies on test problems of train functions, mean of levels 2 to 4, to reach."""
    grpo: GRPOSettings = GRPOSettings(
        max_steps=120,
        prompts_per_step=32,
        optimizer="muon",
        learning_rate=2e-4,
        max_new_tokens=112,
        eval_every=8,
        save_every=40,
    )
    """The same for all."""
    eval_tasks: int = 64
    """Problems of each level."""
    machine: Machine = Machine()


def functions(name: str) -> environments.Environment:
    """The quickstart's problems of one set of functions."""
    return environments.load("string_transform", preset="tiny", functions=name)


def pool_of() -> dict[str, Source]:
    """The pool: useful, mastered, impossible and coin-flip units."""
    sources = units_of(functions("train"), "train", range(1, 6))
    for skill, part in functions("common").by_skill().items():
        sources[f"mastered {skill}"] = Source(part, "train", 1, skill, "mastered")
    for useless in (Impossible, Coin):
        for n in range(32):
            env = useless(function=f"{useless.letter}{n:02d}")
            sources[f"{env.name} {n}"] = Source(env, "train", 1, kind=env.name)
    return sources


def main(config: Curricula) -> None:
    """Rollouts that each curriculum needs to reach fixed accuracies."""
    console = Console()
    kernels = config.machine.kernels(console)
    sources = pool_of()
    eval_sets = make_eval_sets({"train": functions("train")}, (2, 3, 4), config.eval_tasks)
    eval_plan = EvalPlan(eval_sets, EvalConfig(config.grpo.max_new_tokens), config.eval_tasks)
    arms = {spec: re.sub(r"[^\w.-]+", "-", spec) for spec in config.methods}
    for seed in config.seeds:
        base = config.quickstart / f"seed{seed % config.bases}" / "base" / "model"
        if not base.is_dir():
            raise UserError(f"{base} is not there: run the quickstart first, or name its folder")
        folder, about = config.output / f"seed{seed}", {"recipe": "curricula"}
        experiment = Experiment(folder, seed, eval_plan, kernels, console, about)
        rivals = []
        for spec, arm in arms.items():
            stream = taught(sources, spec, seed)
            # What refills its batches makes fewer updates, of no more rollouts in all.
            rounds, grpo = 1 + stream.curriculum.max_resamples, config.grpo
            updates, every = (max(n // rounds, 1) for n in (grpo.max_steps, grpo.eval_every))
            grpo = replace(grpo, max_steps=updates, eval_every=every)
            rivals.append(Rival(arm, "answers", grpo, stream, {"curriculum": spec}))
        experiment.rivals(rivals, str(base), config.machine.together)
    tags = [f"eval/train/L{level}/greedy" for level in (2, 3, 4)]
    seeds = [config.output / f"seed{seed}" for seed in config.seeds]
    places = {spec: [seed / arm for seed in seeds] for spec, arm in arms.items()}
    tables = [reached_table(places, tags, target) for target in config.targets]
    tables.append(means_table(places, {name: f"curriculum/share/{name}" for name in SHARES}))
    write_report((config.output,), config.output, console, "rollouts")
    (config.output / "reached.md").write_text("\n".join(tables))
    console.print("\n".join(tables), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    command_line(main, Curricula, "curricula")
