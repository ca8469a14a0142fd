"""GRPO on any environment, with any model.

    rlskills run grpo --env examples/reverse.py:Reverse --levels 1 2 3
    rlskills run grpo --env string_transform --levels 1 2 --model Qwen/Qwen3-0.6B --no-cold-start

A model that never sees a reward cannot learn from rewards, so the tiny preset is first shown some
worked solutions of the easiest levels (`--cold-start`). The base model and the trained one are then
compared on problems of the environment's own evaluation splits.
"""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rlskills import environments
from rlskills.cli import command_line
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import EvalConfig
from rlskills.experiments.arms import EvalPlan
from rlskills.experiments.experiment import Experiment, Machine, Rival
from rlskills.report.write import write_report
from rlskills.training.settings import GRPOSettings, SFTSettings
from rlskills.training.stream import taught, uniform, units_of


@dataclass(frozen=True)
class GRPOOnAnything:
    """The defaults suit the tiny preset."""

    env: str
    """A name, file.py:Class, or either with options: "string_transform?preset=tiny"."""
    levels: tuple[int, ...] = (1,)
    """Levels to train on."""
    eval_levels: tuple[int, ...] = ()
    """Levels to evaluate on; empty: those trained on."""
    model: str = "tiny"
    """The from-scratch preset, or a Hugging Face name or folder."""
    output: Path = Path("runs/grpo")
    """Folder of all runs; what is complete there is not run again."""
    seeds: int = 1
    """Repetitions, each with its own draws."""
    reward: str = "binary"
    """binary (1 or 0), or paper (1, 0, and -1 for an unreadable answer)."""
    cold_start: SFTSettings = SFTSettings(
        max_steps=300,
        batch_size=64,
        learning_rate=3e-3,
        lr_scheduler="cosine",
        warmup_steps=30,
        save_every=100,
    )
    """Supervised training on worked solutions before RL."""
    no_cold_start: bool = False
    """Start RL from the model as it is."""
    grpo: GRPOSettings = GRPOSettings(max_steps=100, learning_rate=3e-4)
    """RL on answers."""
    curriculum: str = "uniform"
    """What chooses RL's problems: a name of `rlskills curriculum list`, or file.py:Class."""
    eval_tasks: int = 128
    """Problems for each level."""
    samples: int = 8
    """Sampled answers to each of them at the end, for pass@k."""
    machine: Machine = Machine()


def main(config: GRPOOnAnything) -> None:
    """GRPO on any environment, with any model."""
    console = Console()
    kernels = config.machine.kernels(console)
    env = environments.load(config.env, reward=config.reward)
    levels = config.eval_levels or config.levels
    how = EvalConfig(config.grpo.max_new_tokens, config.samples)
    eval_plan = EvalPlan(make_eval_sets({env.name: env}, levels, config.eval_tasks), how)
    about = {"env": config.env, "levels": list(config.levels), "reward": config.reward,
             "env_version": env.version, "recipe": "grpo"}  # fmt: skip
    about_rl = {"curriculum": config.curriculum}
    for seed in range(config.seeds):
        folder = config.output / f"seed{seed}"
        rivals = Experiment(folder, seed, eval_plan, kernels, console, about)
        stream = uniform(env, "train", config.levels, seed)
        start = rivals.start(config.model)
        if config.no_cold_start:
            base = rivals.measure("base", "none", start)
        else:
            base = rivals.run("base", "every step", start, config.cold_start, stream)
        rl = taught(units_of(env, "train", config.levels), config.curriculum, seed + 1)
        rivals.rival(Rival("grpo", "answers", config.grpo, rl, about_rl), base)
    write_report((config.output,), config.output, console, "samples")


if __name__ == "__main__":
    command_line(main, GRPOOnAnything, "grpo")
