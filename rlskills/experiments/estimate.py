"""What a study would cost on GPUs, before anything is loaded: memory, rollouts, tokens, hours.

A rough calculation from the study's settings and the model's shape, by the same model of memory and
time as `rlskills plan` (`planning/`). What cannot be known before is in `Assumptions`, to be set
from a short run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from ..console import Console
from ..errors import UserError
from ..models.shape import shape_of
from ..planning.gpus import gpu_named
from ..planning.job import Assumed, Job, Layout
from ..planning.memory import GIB, Memory, memory_of
from ..planning.shapes import Shape
from ..planning.speed import token_seconds, trained_flops
from ..tables import print_table
from ..training.settings import CollectSettings, RLSettings, SFTSettings, Training
from .study import ArmConfig, Study

IN_SHARDS = Layout("fsdp2")
"""Weights, gradients and optimizer in shards, and a bfloat16 copy of the weights that samples."""


@dataclass(frozen=True)
class Assumptions:
    """What the estimate takes for granted; none of it changes a run."""

    gpus: int = 8
    """Over which weights, gradients and optimizer are sharded; the paper's release has 8."""
    prompt_tokens: int = 150
    """Mean length of a prompt."""
    response_tokens: int = 300
    """Mean length of a completion."""
    rounds: float = 3.0
    """Rounds of sampling for each RL update: at the start about a third of the groups of level 2
    are mixed, and only those are kept."""
    kept: float = 0.23
    """Share of collected completions that are trained on: 116k of 500k in the paper."""
    gpu: str = "H100"
    """Which one (`rlskills plan --help` lists them)."""
    sequences: int = 32
    """Sequences that a GPU decodes at a time."""
    mfu: float = Assumed.mfu
    """Share of the GPU's peak in bfloat16 that matrix products reach."""
    bandwidth_share: float = Assumed.bandwidth_share
    """Share of the memory's bandwidth that decoding reaches."""

    def __post_init__(self) -> None:
        gpu_named(self.gpu)
        for name, value in vars(self).items():
            if name != "gpu" and not 0 < value < float("inf"):
                raise UserError(f"assumed {name} must be positive and finite, not {value}")

    def job(self, shape: Shape, prompts: int = 1, group: int = 1, new: int = 0) -> Job:
        """A step of `prompts` x `group` rollouts of up to `new` tokens; by default one rollout of
        mean length."""
        rates = Assumed(mfu=self.mfu, bandwidth_share=self.bandwidth_share)
        length = self.prompt_tokens + (new or self.response_tokens)
        return Job(
            shape, gpu_named(self.gpu), self.gpus, length, self.prompt_tokens, prompts, group,
            engine="transformers", assumed=rates,
        )  # fmt: skip

    def tokens_per_second(self, shape: Shape) -> float:
        """Tokens that a GPU samples per second with vLLM, over all sequences that it decodes."""
        context = self.prompt_tokens + self.response_tokens / 2
        job = replace(self.job(shape), engine="vllm")
        return self.sequences / token_seconds(job, IN_SHARDS, self.sequences, context)

    def training_seconds(self, shape: Shape) -> float:
        """Of a GPU, for each token that is trained on."""
        job = self.job(shape)
        return trained_flops(job, IN_SHARDS) / (job.gpu.peak * self.mfu)


@dataclass(frozen=True)
class Cost:
    """Of one arm and one seed; tokens are mean lengths times counts."""

    arm: str
    rollouts: int
    """Completions sampled for training."""
    answers: int
    """Completions sampled for its evaluations."""
    rows: int
    """Sequences that the loss is computed on."""
    sampled_tokens: int
    trained_tokens: int
    """Prompts and completions of those rows."""
    hours: float
    """GPU hours, by the model of time of `planning/speed.py`."""


def study_memory(study: Study, shape: Shape, assumed: Assumptions) -> Memory:
    """On each GPU: its widest RL arm, all of a step's sequences sampled at a time."""
    prompts, group, new, checkpointing = _widest(study, assumed)
    job = assumed.job(shape, prompts, group, new)
    return memory_of(job, Layout("fsdp2", checkpointing=checkpointing), job.share)


def costs(study: Study, shape: Shape, assumed: Assumptions) -> Iterator[Cost]:
    """The cost of every arm of one seed."""
    for arm in study.arms:
        rollouts, rows = _amounts(arm.settings, assumed)
        answers = _answers(arm, study)
        sampled = round((rollouts + answers) * assumed.response_tokens)
        trained = round(rows * (assumed.prompt_tokens + assumed.response_tokens))
        seconds = sampled / assumed.tokens_per_second(shape)
        seconds += trained * assumed.training_seconds(shape)
        yield Cost(arm.name, rollouts, answers, rows, sampled, trained, seconds / 3600)


def _amounts(settings: Training | None, assumed: Assumptions) -> tuple[int, int]:
    """Completions sampled, and sequences trained on."""
    if isinstance(settings, RLSettings):
        rows = settings.max_steps * settings.prompts_per_step * settings.group_size
        return round(rows * assumed.rounds), rows
    if isinstance(settings, CollectSettings):
        rollouts = settings.problems * settings.samples
        steps = settings.resolved(max(1, round(rollouts * assumed.kept))).max_steps
        return rollouts, min(
            round(rollouts * assumed.kept) * settings.epochs, steps * settings.batch_size
        )
    if isinstance(settings, SFTSettings):
        return 0, settings.max_steps * settings.batch_size
    return 0, 0


def _answers(arm: ArmConfig, study: Study) -> int:
    """Completions of its final evaluation, and of the curve while it trains."""
    sizes = [len(each.tasks) for each in study.eval_sets]
    final = sum(sizes) * (1 + study.evaluation.samples)
    settings = arm.settings
    # How many steps a fixed data set makes is not known: its curve has the first and last point.
    fixed = isinstance(settings, CollectSettings)
    every = settings.eval_every if settings else 0
    between = settings.max_steps // every if settings and every and not fixed else 1
    points = 1 + between if settings else 0
    return final + points * sum(min(size, study.curve_tasks) for size in sizes)


def print_estimate(study: Study, model: str, assumed: Assumptions, console: Console) -> None:
    """Memory on each GPU, the cost of every arm and of all seeds, and what that assumes."""
    shape = shape_of(model)
    console.print(f"\n{model}: {shape.parameters:,} parameters; memory on each of {assumed.gpus} "
                  "GPUs in GiB, in shards (fsdp2)", highlight=False)  # fmt: skip
    memory = study_memory(study, shape, assumed)
    names = dict.fromkeys([*memory.training, *memory.sampling])
    phases = (memory.training, memory.sampling)
    rows = [(name, *(f"{part.get(name, 0) / GIB:.2f}" for part in phases)) for name in names]
    rows.append(("all", *(f"{sum(part.values()) / GIB:.2f}" for part in phases)))
    print_table(console, ("what", "training", "sampling"), rows)
    found = list(costs(study, shape, assumed))
    header = ("arm", "rollouts", "answers", "rows", "sampled tokens", "trained tokens", "GPU hours")
    names = [item.name for item in fields(Cost)][1:-1]
    rows = [(each.arm, *(f"{getattr(each, name):,}" for name in names), f"{each.hours:,.1f}")
            for each in found]  # fmt: skip
    totals = [sum(getattr(each, name) for each in found) * len(study.seeds) for name in names]
    hours = sum(each.hours for each in found) * len(study.seeds)
    seeds = f"all, {len(study.seeds)} seed" + "s" * (len(study.seeds) > 1)
    rows.append((seeds, *(f"{total:,}" for total in totals), f"{hours:,.1f}"))
    console.print()
    print_table(console, header, rows)
    console.print("\nAssumed (--assumed.NAME sets another value; NAME with dashes):")
    for name, value in vars(assumed).items():
        console.print(f"  {name} = {value if name == 'gpu' else f'{value:g}'}", highlight=False)
    rate = assumed.tokens_per_second(shape)
    console.print(f"so a GPU samples {rate:,.0f} tokens per second", highlight=False)


def _widest(study: Study, assumed: Assumptions) -> tuple[int, int, int, bool]:
    """Prompts, group size and new tokens of the RL arm with most sequences, and whether it has
    gradient checkpointing. Without an RL arm, a sequence for each GPU."""
    found = [
        (arm.settings.prompts_per_step, arm.settings.group_size, arm.settings.max_new_tokens,
         arm.settings.gradient_checkpointing)
        for arm in study.arms
        if isinstance(arm.settings, RLSettings)
    ]  # fmt: skip
    nothing = (assumed.gpus, 1, study.evaluation.max_new_tokens, False)
    return max(found, key=lambda one: one[0] * one[1] * one[2], default=nothing)
