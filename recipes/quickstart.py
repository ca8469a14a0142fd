"""RL against supervised training on composing known functions, on a laptop CPU.

Stage 1 teaches a tiny model 64 string functions one by one, and how to compose 32 of them. Stage 2
starts four rivals from that checkpoint, on problems that nest one or two of 16 other functions:
GRPO, rejection fine-tuning, and supervised fine-tuning on bare answers and on worked solutions. All
five models answer the same fixed probes of common, trained and held-out functions, up to five deep.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from rlskills import tasks
from rlskills.cli import command_line
from rlskills.commands.compare import report
from rlskills.evaluation.evaluate import Evaluation
from rlskills.evaluation.probes import make_probes
from rlskills.training.arms import Probing
from rlskills.training.experiment import Experiment, Machine, Rival
from rlskills.training.settings import GRPOSettings, RFTSettings, SFTSettings, Training
from rlskills.training.stream import Source, mixture

STAGE1 = SFTSettings(updates=1600, batch=64, optimizer="muon", learning_rate=3e-3,
                     schedule="cosine", warmup=50, beta2=0.98, eval_every=800,
                     save_every=200)  # fmt: skip
STAGE2 = {"updates": 280, "learning_rate": 3e-4, "schedule": "linear", "warmup": 5,
          "eval_every": 70}  # fmt: skip


@dataclass(frozen=True)
class Quickstart:
    """The defaults are what the README's table was made with."""

    output: Path = Path("runs/quickstart")
    """Folder of all runs; what is complete there is not run again."""
    seeds: int = 1
    """Repetitions, each with its own initial weights and draws."""
    first_seed: int = 0
    """Number of the first repetition; several processes can share the seeds of one folder."""
    arms: tuple[str, ...] = ("rft", "grpo", "sft_worked", "sft_answers")
    """Stage-2 arms to run, in the order in which they begin: the longest first."""
    model: str = "tiny"
    """Where stage 1 starts: the tiny preset, or a Hugging Face name or folder."""
    stage1: SFTSettings = STAGE1
    """Supervised training on single calls, and on compositions of common functions."""
    grpo: GRPOSettings = GRPOSettings(**STAGE2, group=4)
    """RL on answers."""
    rft: RFTSettings = RFTSettings(**STAGE2, group=4, keep_per_problem=2)
    """Supervised training on the policy's own right completions."""
    sft: SFTSettings = SFTSettings(**STAGE2, batch=256)
    """Supervised training on demonstrations, bare answers and worked solutions alike."""
    common: int = 32
    """Functions that stage 1 composes; half of the others are trained on, half held out."""
    composing: float = 0.2
    """Share of stage 1 that composes common functions, two to four deep."""
    copying: float = 0.15
    """Share of stage 1 that copies nested calls of any functions, computing nothing."""
    rows: float = 0.0
    """Share of stage 1 that puts single calls of any functions side by side."""
    alone: float = 0.2
    """Share of stage 2's problems that are single calls; the others nest two."""
    probes: int = 128
    """Problems for each level and function set."""
    samples: int = 4
    """Sampled answers to each of them at the end, for pass@k."""
    machine: Machine = Machine()


def main(config: Quickstart) -> None:
    """RL against supervised training on composing known functions."""
    console = Console()
    kernels, at_once = config.machine.kernels(console), config.machine.together

    def functions(of: str, mode: str = "solve") -> tasks.Environment:
        spec = f"string_transform?preset=tiny&functions={of}&mode={mode}"
        return tasks.load(spec, common=config.common)

    groups = {name: functions(name) for name in ("common", "train", "held_out")}
    copying, row = functions("all", "copy"), tasks.load("string_row", common=config.common)
    shares = {name: float(getattr(config, name)) for name in ("composing", "copying", "rows")}
    parts = {"single": (Source(functions("all"), "train", 1), 1.0 - sum(shares.values()))}
    for level in (2, 3, 4):
        parts[f"common/L{level}"] = (Source(groups["common"], "train", level), config.composing / 3)
        parts[f"copy/L{level}"] = (Source(copying, "train", level), config.copying / 3)
        parts[f"row/L{level}"] = (Source(row, "train", level - 1), config.rows / 3)
    probes = make_probes(groups, range(1, 6), config.probes)
    probing = Probing(probes, Evaluation(160, config.samples), curve_tasks=32)
    arms: dict[str, tuple[str, Training]] = {
        "grpo": ("answers", config.grpo),
        "rft": ("answers", config.rft),
        "sft_answers": ("answers", replace(config.sft, target="answer")),
        "sft_worked": ("every step", replace(config.sft, target="worked")),
    }
    alone, nested = (Source(groups["train"], "train", level) for level in (1, 2))
    problems = {"L1": (alone, config.alone), "L2": (nested, 1 - config.alone)}
    world = {"recipe": "quickstart", "common": config.common, **shares}
    for seed in range(config.first_seed, config.first_seed + config.seeds):
        here = config.output / f"seed{seed}"
        experiment = Experiment(here, seed, probing, kernels, console, world)
        start, told = experiment.start(config.model), "single calls, common compositions"
        base = experiment.run("base", told, start, config.stage1, mixture(parts, seed), at_once)
        about = {"alone": config.alone}
        rivals = [Rival(a, *arms[a], mixture(problems, seed), about) for a in config.arms]
        experiment.rivals(rivals, base, at_once)
    report((config.output,), config.output, console, "samples")


if __name__ == "__main__":
    command_line(main, Quickstart, "quickstart")
