"""RL against supervised training on composing known functions, on a laptop CPU.

Stage 1 teaches a tiny model 64 string functions one by one, and how to compose 32 of them. Stage 2
starts four rivals from that checkpoint, on problems that nest one or two of 16 other functions:
GRPO, rejection fine-tuning, and supervised fine-tuning on bare answers and on worked solutions. All
five models answer the same fixed eval sets: common, trained and held-out functions, up to five
deep.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from rlskills import environments
from rlskills.cli import command_line
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import EvalConfig
from rlskills.experiments.arms import EvalPlan
from rlskills.experiments.experiment import Experiment, Machine, Rival
from rlskills.report.write import write_report
from rlskills.training.settings import GRPOSettings, RFTSettings, SFTSettings, Training
from rlskills.training.stream import mixture, spread

STAGE1 = SFTSettings(
    max_steps=1500,
    batch_size=64,
    optimizer="muon",
    learning_rate=3e-3,
    warmup_steps=50,
    lr_scheduler="cosine",
    beta2=0.98,
    eval_every=0,
    save_every=200,
)
STAGE2 = {
    "max_steps": 240,
    "optimizer": "muon",
    "learning_rate": 2e-4,
    "lr_scheduler": "linear",
    "warmup_steps": 5,
    "eval_every": 60,
}
WORLD = ("common", "longest", "refreshing", "composing", "copying", "rows")


@dataclass(frozen=True)
class Quickstart:
    """The defaults are what the README's table was made with."""

    output: Path = Path("runs/quickstart")
    """Folder of all runs; what is complete there is not run again."""
    seeds: int = 1
    """Repetitions, each with its own initial weights and draws."""
    first_seed: int = 0
    """Number of the first repetition; several processes can share the seeds of one folder."""
    arms: tuple[str, ...] = ("sft_worked", "rft", "grpo", "sft_answers")
    """Stage-2 arms to run, in the order in which they begin: the longest first."""
    model: str = "tiny"
    """Where stage 1 starts: the tiny preset, or a Hugging Face name or folder."""
    stage1: SFTSettings = STAGE1
    """Supervised training on single calls, and on compositions of common functions."""
    grpo: GRPOSettings = GRPOSettings(**STAGE2, group_size=4)
    """RL on answers."""
    rft: RFTSettings = RFTSettings(**STAGE2, group_size=4, max_per_prompt=1)
    """Supervised training on the policy's own right completions."""
    sft: SFTSettings = SFTSettings(**STAGE2, batch_size=256)
    """Supervised training on demonstrations, bare answers and worked solutions alike."""
    common: int = 32
    """Functions that stage 1 composes; half of the others are trained on, half held out."""
    longest: int = 6
    """Letters of stage 1's longest single calls; within compositions strings grow that long."""
    refreshing: float = 0.25
    """Share of stage 1 that is single calls of common functions; those of others are the rest."""
    composing: float = 0.2
    """Share of stage 1 that composes common functions, two to four deep."""
    copying: float = 0.15
    """Share of stage 1 that copies nested calls of any functions, computing nothing."""
    rows: float = 0.0
    """Share of stage 1 that puts single calls of any functions side by side."""
    alone: float = 0.2
    """Share of stage 2's problems that are single calls; the others nest two."""
    eval_tasks: int = 128
    """Problems for each level and function set."""
    samples: int = 4
    """Sampled answers to each of them at the end, for pass@k."""
    machine: Machine = Machine()


def main(config: Quickstart) -> None:
    """RL against supervised training on composing known functions."""
    console = Console()
    kernels, at_once = config.machine.kernels(console), config.machine.together
    calls = partial(environments.load, "string_transform", preset="tiny", common=config.common)
    groups = {name: calls(functions=name) for name in ("common", "train", "held_out")}
    about = {"recipe": "quickstart"} | {name: getattr(config, name) for name in WORLD}
    rest = (1 - config.refreshing - config.composing - config.copying - config.rows) / 2
    parts = spread("common", groups["common"], (2, 3, 4), config.composing)
    parts |= spread("copy", calls(functions="all", mode="copy"), (2, 3, 4), config.copying)
    parts |= spread(
        "row", environments.load("string_row", common=config.common), (1, 2, 3), config.rows
    )
    for of, share in (("common", config.refreshing), ("train", rest), ("held_out", rest)):
        parts |= spread(of, calls(functions=of, longest=config.longest), (1,), share)
    eval_sets = make_eval_sets(groups, range(1, 6), config.eval_tasks)
    eval_plan = EvalPlan(eval_sets, EvalConfig(160, config.samples), curve_tasks=32)
    arms: dict[str, tuple[str, Training]] = {
        "grpo": ("answers", config.grpo),
        "rft": ("answers", config.rft),
        "sft_answers": ("answers", replace(config.sft, target="answer")),
        "sft_worked": ("every step", replace(config.sft, target="worked")),
    }
    problems = spread("train", groups["train"], (1,), config.alone)
    problems |= spread("train", groups["train"], (2,), 1 - config.alone)
    extra = {"alone": config.alone}
    for seed in range(config.first_seed, config.first_seed + config.seeds):
        place = config.output / f"seed{seed}"
        experiment = Experiment(place, seed, eval_plan, kernels, console, about)
        start, told = experiment.start(config.model), "every step"
        base = experiment.run("base", told, start, config.stage1, mixture(parts, seed))
        rivals = [Rival(a, *arms[a], mixture(problems, seed), extra) for a in config.arms]
        experiment.rivals(rivals, base, at_once)
    write_report((config.output,), config.output, console, "samples")


if __name__ == "__main__":
    command_line(main, Quickstart, "quickstart")
