"""Does GRPO raise the reward on every environment there is? Twenty updates of each, side by side.

Every registered environment is trained on with the tiny preset: a short supervised warm-up on
worked solutions, so that the base is right sometimes, then GRPO. The reward of sampled answers to
fixed test problems is compared before and after, each problem with itself. An environment that
stands in no row of `SETTINGS` runs with the default ones.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from rlskills import tasks
from rlskills.cli import command_line
from rlskills.errors import UserError
from rlskills.evaluation.evaluate import Evaluation
from rlskills.evaluation.probes import make_probes
from rlskills.evaluation.statistics import accuracy_interval, paired_difference
from rlskills.training.arms import Probing
from rlskills.training.experiment import Experiment, Machine
from rlskills.training.settings import GRPOSettings, SFTSettings
from rlskills.training.stream import uniform


@dataclass(frozen=True)
class Setting:
    """What makes an environment small enough for a minute's training, and how long to warm up."""

    options: str = ""
    levels: tuple[int, ...] = (1,)
    warmup: int = 200
    tokens: int = 64


SETTINGS = {
    "arithmetic": Setting("reversed=1", (2,), 150, 48),
    "countdown": Setting("largest=9&target=30", (1,), 150, 24),
    "graph_path": Setting("", (2,), 200, 32),
    "hierarchy": Setting("rows=3", (1, 2), 150, 32),
    "lego": Setting("", (3,), 150, 40),
    "procedure": Setting("", (1,), 200, 16),
    "string_transform": Setting("functions=train&common=56", (1, 2), 150, 40),
}


@dataclass(frozen=True)
class Environments:
    """The defaults are what docs/environments_grpo.md was made with."""

    output: Path = Path("runs/environments")
    """Folder of all runs; what is complete there is not run again."""
    only: tuple[str, ...] = ()
    """Names of environments; empty takes all that are registered."""
    seed: int = 0
    """Of the initial weights and of all draws."""
    warmup: SFTSettings = SFTSettings(
        batch=64, learning_rate=3e-3, schedule="cosine", warmup=20, eval_every=0, save_every=500
    )
    """Supervised training before RL, as long as an environment's setting says."""
    grpo: GRPOSettings = GRPOSettings(
        updates=20, prompts=32, learning_rate=1e-3, schedule="linear", eval_every=0, save_every=500
    )
    """RL on answers, up to as many tokens as an environment's setting says."""
    probes: int = 128
    """Test problems for each level."""
    samples: int = 4
    """Sampled answers to each of them."""
    machine: Machine = Machine()


def main(config: Environments) -> None:
    """Does GRPO raise the reward on every environment there is?"""
    console, rows = Console(), []
    for name in config.only or tasks.names():
        try:
            base, grpo = (_rewards(path) for path in _arms(name, config, console))
        except UserError as error:  # one that cannot be trained on must not hide the others
            rows.append(f"| {name} | not run: {error} | | |")
            continue
        change = paired_difference(grpo, base)
        cells = (accuracy_interval(base), accuracy_interval(grpo), change)
        star = " *" if change.excludes(0) else ""
        rows.append(f"| {name} | {' | '.join(map(str, cells))}{star} |")
    print("| environment | reward before | after | paired difference |\n|---|---|---|---|")
    print("\n".join(rows))


def _arms(name: str, config: Environments, console: Console) -> list[Path]:
    """Folders of the base and of the arm trained from it."""
    setting = SETTINGS.get(name, Setting())
    try:
        env = tasks.load(f"{name}?{setting.options}", preset="tiny")
    except UserError:  # it has no such preset
        env = tasks.load(f"{name}?{setting.options}")
    probes = make_probes({name: env}, setting.levels, config.probes)
    probing = Probing(probes, Evaluation(setting.tokens, config.samples))
    about = {"recipe": "environments", "env": name, "options": setting.options}
    kernels = config.machine.kernels(console)
    rivals = Experiment(config.output / name, config.seed, probing, kernels, console, about)
    warmup = replace(config.warmup, updates=setting.warmup)
    rl = replace(config.grpo, max_new_tokens=setting.tokens)
    streams = [uniform(env, "train", setting.levels, config.seed + i) for i in range(2)]
    base = rivals.run("base", "every step", rivals.start("tiny"), warmup, streams[0])
    rivals.run("grpo", "answers", base, rl, streams[1])
    return [rivals.folder / arm for arm in ("base", "grpo")]


def _rewards(folder: Path) -> list[float]:
    """Mean reward of the sampled answers to every probe problem."""
    probes = json.loads((folder / "evaluation.json").read_text())["probes"]
    return [task["reward"] / task["samples"] for probe in probes for task in probe["tasks"]]


if __name__ == "__main__":
    command_line(main, Environments, "environments")
