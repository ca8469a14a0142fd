"""What a study would cost on GPUs, before anything is loaded: memory, rollouts, tokens, hours.

A rough calculation from the study's settings and the model's shape. What cannot be known before
(how long answers are, how fast they are sampled) is in `Assumptions`, to be set from a short run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from ..console import Console
from ..errors import UserError
from ..tables import print_table
from ..training.settings import CollectSettings, RLSettings, SFTSettings, Training
from .study import ArmConfig, Study

GIB = 2**30
STATE_BYTES = 16
"""For each parameter: float32 weight, gradient and AdamW's two moments."""
HALF_BYTES = 2
"""Of a number in bfloat16: the copy that samples, and the cache."""


@dataclass(frozen=True)
class Shape:
    """What memory and arithmetic follow from."""

    parameters: int
    cached: int
    """Numbers kept of each token while decoding: keys and values of all layers."""


SHAPES = {
    "smollm2": Shape(134_515_008, 2 * 30 * 3 * 64),
    "Llama-3.1-8B-Instruct": Shape(8_030_261_248, 2 * 32 * 8 * 128),
    "Llama-3.2-1B-Instruct": Shape(1_235_814_400, 2 * 16 * 8 * 64),
    "Llama-3.2-3B-Instruct": Shape(3_212_749_824, 2 * 28 * 8 * 128),
    "Qwen2.5-0.5B-Instruct": Shape(494_032_768, 2 * 24 * 2 * 64),
    "Qwen2.5-1.5B-Instruct": Shape(1_543_714_304, 2 * 28 * 2 * 128),
    "Qwen2.5-7B-Instruct": Shape(7_615_616_512, 2 * 28 * 4 * 128),
    "Qwen3-0.6B": Shape(596_049_920, 2 * 28 * 8 * 128),
    "Qwen3-1.7B": Shape(1_720_574_976, 2 * 28 * 8 * 128),
    "Qwen3-4B": Shape(4_022_468_096, 2 * 36 * 8 * 128),
    "Qwen3-8B": Shape(8_190_735_360, 2 * 36 * 8 * 128),
}
"""By the last part of a name: parameters (tied embeddings count once), and for the cache layers,
heads of keys and values, and their size."""


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
    tokens_per_second: float = 2500.0
    """Tokens that a GPU samples per second, over all sequences it decodes at a time."""
    flops: float = 2e14
    """Floating-point operations that a GPU does per second in training: about 20 % of an H100's
    peak in bfloat16."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise UserError(f"assumed {name} must be positive and finite, not {value}")


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
    """GPU hours: sampling, and 6 operations for each parameter and trained token."""


def shape_of(model: str) -> Shape:
    """By a name of `SHAPES`, or counted from the `config.json` of a folder, without weights."""
    known = model.rstrip("/").rpartition("/")[2]
    if known in SHAPES:
        return SHAPES[known]
    if model != "tiny" and not Path(model).is_dir():
        raise UserError(
            f"nothing is known of the size of {model!r}: name a model folder, or one of "
            + ", ".join(sorted(SHAPES))
        )
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from ..models.tiny import TinyConfig, tiny_model, tiny_tokenizer
    from ..models.traits import numbers_cached

    with torch.device("meta"):
        if model == "tiny":
            made = tiny_model(TinyConfig(), len(tiny_tokenizer()), 0)
        else:
            made = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model))
    count = sum(parameter.numel() for parameter in made.parameters())
    return Shape(count, numbers_cached(made.config.get_text_config()))


def memory_of(shape: Shape, sequences: int, tokens: int, gpus: int) -> dict[str, float]:
    """GiB on each of `gpus`: training state, the copy that samples, and the cache at its fullest.

    `sequences` of up to `tokens` tokens are decoded at a time, shared by the GPUs; fewer at a time
    need less. Activations and buffers come on top.
    """
    return {
        "weights, gradients, AdamW": STATE_BYTES * shape.parameters / gpus / GIB,
        "bfloat16 copy for sampling": HALF_BYTES * shape.parameters / GIB,
        "keys and values": HALF_BYTES * shape.cached * tokens * -(-sequences // gpus) / GIB,
    }


def costs(study: Study, shape: Shape, assumed: Assumptions) -> Iterator[Cost]:
    """The cost of every arm of one seed."""
    for arm in study.arms:
        rollouts, rows = _amounts(arm.settings, assumed)
        answers = _answers(arm, study)
        sampled = round((rollouts + answers) * assumed.response_tokens)
        trained = round(rows * (assumed.prompt_tokens + assumed.response_tokens))
        seconds = sampled / assumed.tokens_per_second
        seconds += 6 * shape.parameters * trained / assumed.flops
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
                  "GPUs in GiB, without activations", highlight=False)  # fmt: skip
    most = memory_of(shape, *_widest(study, assumed), assumed.gpus)
    rows = [(name, f"{size:.2f}") for name, size in most.items()]
    print_table(console, ("what", "GiB"), [*rows, ("all", f"{sum(most.values()):.2f}")])
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
        console.print(f"  {name} = {value:g}", highlight=False)


def _widest(study: Study, assumed: Assumptions) -> tuple[int, int]:
    """Sequences of an RL update's round, and their most tokens: what the cache must hold at most.

    Without an RL arm, as many sequences as there are GPUs.
    """
    found = [
        (arm.settings.prompts_per_step * arm.settings.group_size, arm.settings.max_new_tokens)
        for arm in study.arms
        if isinstance(arm.settings, RLSettings)
    ]
    sequences, new = max(found, default=(assumed.gpus, study.evaluation.max_new_tokens))
    return sequences, assumed.prompt_tokens + new
