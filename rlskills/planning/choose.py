"""How a job is put on its GPUs: the first strategy that fits, and the quickest layout under it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from ..errors import UserError
from .gpus import GPUS, NODE
from .job import Job, Layout, Strategy, check
from .memory import GIB, Memory, memory_of, sequences_that_fit
from .speed import Seconds, seconds_of

ORDER: dict[str, tuple[Strategy, ...]] = {
    "vllm": ("ddp", "zero2", "zero3"),
    "transformers": ("ddp", "fsdp2", "zero2", "zero3"),
}
"""Strategies for each engine, in the order in which they are tried: whole copies, then what has
been tested more. vLLM takes whole weights, which FSDP does not give it."""
MICRO_TOKENS = 2**14
"""Tokens of a micro-batch beyond which a larger one is taken for no faster."""


@dataclass(frozen=True)
class Asked:
    """What the user leaves open or not."""

    strategy: Strategy | None = None
    checkpointing: bool | None = None
    micro_batch: int = 0


@dataclass(frozen=True)
class Choice:
    """A layout with what it takes."""

    layout: Layout
    sequences: int
    """Sampled at a time by each GPU, or each group of `tensor_parallel`."""
    memory: Memory
    lacking: float
    """Bytes that are missing on each GPU; at most 0 where it fits."""
    seconds: Seconds

    @property
    def fits(self) -> bool:
        """Whether memory is enough, for at least one sequence at a time."""
        return self.lacking <= 0


def choices(job: Job, asked: Asked, colocated: bool = True) -> list[Choice]:
    """For each strategy that can be, the quickest layout that fits, or the one that lacks least."""
    check(job)
    names = ORDER[job.engine]
    if asked.strategy == "fsdp2" and asked.strategy not in names:
        raise UserError(
            "engine vllm takes whole weights, not those of FSDP: take --engine transformers, or "
            "--strategy zero3"
        )
    if asked.strategy:
        names = (asked.strategy,)
    elif job.gpus == 1:
        names = ("ddp",)  # there is nothing to share
    return [_best(job, name, asked, colocated) for name in names]


def chosen(found: Sequence[Choice]) -> Choice:
    """The first that fits, else the one that lacks least."""
    fitting = (choice for choice in found if choice.fits)
    return next(fitting, min(found, key=lambda choice: choice.lacking))


def _best(job: Job, strategy: Strategy, asked: Asked, colocated: bool) -> Choice:
    found = [_weighed(job, layout) for layout in _layouts(job, strategy, asked, colocated)]
    fitting = [choice for choice in found if choice.fits]
    if fitting:
        return min(fitting, key=lambda choice: choice.seconds.step)
    return min(found, key=lambda choice: choice.lacking)


def _layouts(job: Job, strategy: Strategy, asked: Asked, colocated: bool) -> Iterator[Layout]:
    """The simplest first, which equal times prefer."""
    inside = job.engine == "vllm" and colocated
    together = [n for n in (1, 2, 4, 8) if not job.gpus % n and not job.shape.key_heads % n]
    for checkpointing in (False, True) if asked.checkpointing is None else (asked.checkpointing,):
        for micro in micro_batches(job, asked.micro_batch):
            for parallel in together if inside else (1,):
                for sleep in (False, True) if inside else (False,):
                    yield Layout(strategy, micro, checkpointing, parallel, sleep, colocated)


def micro_batches(job: Job, wanted: int) -> list[int]:
    """Sizes that divide the rows of a GPU, largest first: `wanted`, or powers of two."""
    if wanted:
        if wanted < 0 or job.share % wanted:
            raise UserError(
                f"micro_batch ({wanted}) must divide the {job.share} rows of each GPU "
                "(prompts_per_step x group_size / gpus)"
            )
        return [wanted]
    most = max(1, MICRO_TOKENS // job.length)
    sizes = [2**power for power in range(most.bit_length()) if 2**power <= most]
    return [size for size in reversed(sizes) if not job.share % size]


def _weighed(job: Job, layout: Layout) -> Choice:
    sequences = sequences_that_fit(job, layout) if layout.colocated else 0
    memory = memory_of(job, layout, max(1, sequences))
    lacking = memory.peak - job.gpu.memory * GIB * job.assumed.usable
    return Choice(layout, sequences, memory, lacking, seconds_of(job, layout, max(1, sequences)))


def remedies(job: Job, asked: Asked) -> list[str]:
    """Changes, as flags, each of which alone makes the job fit; the mildest of each kind."""
    return [*_first(_others(job, asked)), *_first(_adapters(job, asked)),
            *_first(_more(job, asked)), *_first(_shorter(job, asked)),
            *_first(_larger(job, asked))]  # fmt: skip


Tried = Iterator[tuple[str, Job, Asked]]


def _first(tried: Tried) -> Iterator[str]:
    for flags, job, asked in tried:
        try:
            if chosen(choices(job, asked)).fits:
                yield flags
                return
        except UserError:  # a change that does not go with the rest
            continue


def _others(job: Job, asked: Asked) -> Tried:
    if asked.checkpointing is False:
        yield "--checkpointing on", job, replace(asked, checkpointing=True)
    if asked.micro_batch > 1:
        yield "--micro-batch 1", job, replace(asked, micro_batch=1)
    if asked.strategy:
        for name in get_args(Strategy):
            yield f"--strategy {name}", job, replace(asked, strategy=name)
    other = "transformers" if job.engine == "vllm" else "vllm"
    yield f"--engine {other}", replace(job, engine=other), asked


def _adapters(job: Job, asked: Asked) -> Tried:
    if not job.lora_rank or job.base_dtype == "float32":
        rank = job.lora_rank or 16
        smaller = replace(job, lora_rank=rank, base_dtype="bfloat16")
        yield f"--lora-rank {rank} --base-dtype bfloat16", smaller, asked


def _more(job: Job, asked: Asked) -> Tried:
    gpus = job.gpus
    while gpus < 64 * NODE:
        gpus *= 2
        prompts = -(-job.prompts_per_step // gpus) * gpus
        more = replace(job, gpus=gpus, prompts_per_step=prompts)
        flags = f"--gpus {gpus}"
        if prompts != job.prompts_per_step:
            flags += f" --prompts-per-step {prompts}"
        yield flags, more, asked


def _shorter(job: Job, asked: Asked) -> Tried:
    length = job.length // 2
    while length > job.prompt_length:
        yield f"--length {length}", replace(job, length=length), asked
        length //= 2


def _larger(job: Job, asked: Asked) -> Tried:
    for name, gpu in sorted(GPUS.items(), key=lambda item: item[1].memory):
        if gpu.memory > job.gpu.memory:
            yield f"--gpu {name}", replace(job, gpu=gpu), asked
