"""Does GRPO raise the reward on every environment? Twenty updates of each, with the tiny preset.

Runs the `grpo` recipe on each: a short supervised warm-up on worked solutions, so that the base is
right sometimes, then GRPO. Rewards of sampled answers to fixed test problems are then compared,
each problem with itself. What is done is not run again.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from rlskills import environments
from rlskills.cli import command_line
from rlskills.stats import accuracy_interval, paired_difference


@dataclass(frozen=True)
class Setting:
    """What an environment is trained with."""

    options: str = ""
    levels: tuple[int, ...] = (1,)
    warmup: int = 300
    """Updates on worked solutions: enough that the base is right sometimes."""
    tokens: int = 48
    """Of the longest answer."""
    rate: float = 1e-3
    """Learning rate of GRPO."""


SETTINGS = {
    # At 1e-3 its first updates destroy what the warm-up taught.
    "arithmetic": Setting(levels=(2,), tokens=40, rate=3e-4),
    "countdown": Setting("largest=20&target=99", warmup=200, tokens=24),
    "graph_path": Setting(levels=(2,), warmup=400, tokens=32),
    "hierarchy": Setting(levels=(1, 2), warmup=400, tokens=32),
    "lego": Setting("group=z3", levels=(2,), tokens=24),
    "procedure": Setting(warmup=250, tokens=16),
    "string_row": Setting("functions=train&common=56", warmup=250),
    "string_transform": Setting("functions=train&common=48", warmup=120, tokens=24),
}
FLAGS = "--cold-start.eval-every=0 --grpo.max-steps=20 "
FLAGS += "--grpo.prompts-per-step=128 --grpo.group-size=16 "
FLAGS += "--grpo.lr-scheduler=linear --grpo.warmup-steps=3 --grpo.eval-every=0"


@dataclass(frozen=True)
class Environments:
    """The defaults are what docs/environments_grpo.md was made with."""

    output: Path = Path("runs/environments")
    """Folder of all runs."""
    only: tuple[str, ...] = ()
    """Names of environments; empty takes all that are registered."""
    seeds: int = 1
    """Repetitions, each with its own initial weights and draws."""
    flags: str = "--machine.threads=1 --machine.attention=eager"
    """Further flags for the grpo recipe, between blanks."""


def main(config: Environments) -> None:
    """Does GRPO raise the reward on every environment?"""
    print("| environment | levels | warm-up | reward before | after | paired difference |")
    print("|---" * 6 + "|", flush=True)
    for name in config.only or environments.names():
        one = SETTINGS.get(name, Setting())
        options = one.options
        if "preset" in environments.load(name).describe()["config"]:
            options = f"preset=tiny&{options}"
        command = [sys.executable, "-m", "rlskills", "run", "grpo", f"--env={name}?{options}"]
        command += ["--levels", *map(str, one.levels), f"--output={config.output / name}"]
        command += [f"--cold-start.max-steps={one.warmup}", f"--grpo.max-new-tokens={one.tokens}"]
        command += [f"--grpo.learning-rate={one.rate:g}"]
        command += [f"--seeds={config.seeds}", *FLAGS.split(), *config.flags.split()]
        with Console(stderr=True).status(name):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        row = f"| {name} | {', '.join(map(str, one.levels))} | {one.warmup} "
        if done.returncode:  # one that cannot be trained on must not hide the others
            print(f"{row}| not run: {done.stderr.strip().rpartition(chr(10))[2]} | | |", flush=True)
            continue
        base, grpo = ([rewards(config.output / name / f"seed{seed}" / arm)
                       for seed in range(config.seeds)] for arm in ("base", "grpo"))  # fmt: skip
        change = paired_difference(grpo, base)
        cells = f"{accuracy_interval(base)} | {accuracy_interval(grpo)} | {change}"
        print(f"{row}| {cells}{' *' * change.excludes(0)} |", flush=True)


def rewards(folder: Path) -> list[float]:
    """Mean reward of the sampled answers to every probe problem; one drawn twice counts once."""
    eval_sets = json.loads((folder / "evaluation.json").read_text())["eval_sets"]
    tasks = {task["key"]: task for eval_set in eval_sets for task in eval_set["tasks"]}
    return [task["reward"] / task["samples"] for task in tasks.values()]


if __name__ == "__main__":
    command_line(main, Environments, "environments")
