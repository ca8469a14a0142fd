"""A plan on the terminal: what is assumed, memory by part, what fits, seconds, split, cost."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from ..console import Console
from ..tables import print_table
from .choose import Asked, Choice, choices, chosen, remedies
from .command import launcher, run_flags, server_words
from .job import Job
from .memory import GIB, activations, whole_logits
from .split import Split, quickest


@dataclass(frozen=True)
class Plan:
    """A job, what was found for it, and what it is for."""

    job: Job
    asked: Asked
    model: str
    """As `rlskills run --model` takes it."""
    gpu: str
    rollouts: int
    found: list[Choice]

    @property
    def choice(self) -> Choice:
        """The layout that is taken."""
        return chosen(self.found)

    @property
    def steps(self) -> int:
        """Steps to that many rollouts."""
        return math.ceil(self.rollouts / self.job.rows)

    def hours(self, seconds: float) -> float:
        """For all steps of so many seconds."""
        return self.steps * seconds / 3600

    def dollars(self, seconds: float) -> float:
        """Of all GPUs."""
        return self.hours(seconds) * self.job.gpus * self.job.gpu.price


def made(job: Job, asked: Asked, model: str, gpu: str, rollouts: int) -> Plan:
    """The plan of a job; a `UserError` where it makes no sense."""
    return Plan(job, asked, model, gpu, rollouts, choices(job, asked))


def show(plan: Plan, console: Console) -> None:
    """Print all of it."""
    _show_assumed(plan, console)
    _show_memory(plan, console)
    _show_strategies(plan, console)
    if not plan.choice.fits:
        console.say("\n" + lacking_line(plan))
        return
    _show_seconds(plan, console)
    _show_split(plan, console)
    _show_command(plan, console)


def _show_assumed(plan: Plan, console: Console) -> None:
    job, gpu = plan.job, plan.job.gpu
    console.say(f"{plan.model}: {job.shape.parameters:,} parameters, {job.trained:,} trained")
    console.say(
        "\nassumed (computed from data sheets and these; nothing here was measured on a GPU)"
    )
    for item in fields(job.assumed):
        value = getattr(job.assumed, item.name)
        console.say(f"  {value:<8g} --assumed.{item.name.replace('_', '-')}")
    console.say(
        f"  {plan.gpu}: {gpu.memory:g} GiB (--memory), {gpu.peak / 1e12:g} TFLOP/s dense bfloat16, "
        f"{gpu.bandwidth / 1e12:g} TB/s; {gpu.link / 1e9:g} GB/s within a machine of 8, "
        f"{gpu.network / 1e9:g} between; ${gpu.price:g} per hour (--price)"
    )
    console.say(
        f"  rows are padded to {job.length} tokens in training; completions have "
        f"{job.mean_new:g} of {job.new_tokens} in the mean"
    )


def gib(size: float) -> str:
    """Bytes as GiB."""
    return f"{size / GIB:.1f}"


def _show_memory(plan: Plan, console: Console) -> None:
    choice, job = plan.choice, plan.job
    training, sampling = choice.memory.training, choice.memory.sampling
    names = [*training, *(name for name in sampling if name not in training)]
    rows = [(name, *(gib(part[name]) if name in part else "" for part in (training, sampling)))
            for name in names]  # fmt: skip
    rows.append(("all", *(gib(sum(part.values())) for part in (training, sampling))))
    console.say(f"\nGiB on each of {job.gpus} GPUs: {described(job, choice)}")
    print_table(console, ("part", "training", "sampling"), rows)
    limit = job.gpu.memory * GIB * job.assumed.usable
    layout = choice.layout
    kept = [gib(activations(job, replace(layout, checkpointing=on))) for on in (False, True)]
    console.say(f"activations: {kept[0]} without checkpointing, {kept[1]} with it")
    console.say(
        f"usable: {gib(limit)}. Logits of the loss are computed in tiles; whole ones would be "
        f"{gib(whole_logits(job, layout))}"
    )


def described(job: Job, choice: Choice) -> str:
    """A layout in one line."""
    layout = choice.layout
    words = [layout.strategy if job.gpus > 1 else "one GPU", f"micro-batch {layout.micro_batch}"]
    words.append(f"gradient checkpointing {'on' if layout.checkpointing else 'off'}")
    if layout.tensor_parallel > 1:
        words.append(f"vLLM on {layout.tensor_parallel} GPUs each")
    words += ["vLLM sleeps while training"] if layout.sleep else []
    return ", ".join([*words, f"{max(1, choice.sequences)} sequences at a time"])


def _show_strategies(plan: Plan, console: Console) -> None:
    rows = []
    for choice in plan.found:
        layout = choice.layout
        fits = "yes" if choice.fits else f"{gib(choice.lacking)} GiB short"
        rows.append((
            layout.strategy, "on" if layout.checkpointing else "off", str(layout.micro_batch),
            gib(choice.memory.peak), fits, f"{choice.seconds.step:,.1f}" if choice.fits else "",
        ))  # fmt: skip
    console.say("\nstrategies, the first that fits is taken; each with its quickest layout")
    header = ("strategy", "checkpointing", "micro-batch", "GiB", "fits", "s per step")
    print_table(console, header, rows, keys=2)


def lacking_line(plan: Plan) -> str:
    """By how much memory falls short, and what would make it fit."""
    choice = plan.choice
    found = remedies(plan.job, plan.asked)
    help_ = f"what fits: {'; or '.join(found)}" if found else "no single flag makes it fit"
    return (
        f"does not fit: {gib(choice.lacking)} GiB are missing on each GPU "
        f"({described(plan.job, choice)}); {help_}"
    )


def _show_seconds(plan: Plan, console: Console) -> None:
    job, seconds = plan.job, plan.choice.seconds
    sampled, trained = job.rows * job.mean_new, job.rows * job.length
    console.say(f"\none step: {job.rows} rollouts, {seconds.step:,.1f} s")
    parts = [("rollout", seconds.rollout, sampled), ("training", seconds.training, trained)]
    rows = [(name, f"{took:,.1f}", f"{took / seconds.step:.0%}", f"{tokens / took:,.0f}",
             f"{tokens / took / job.gpus:,.0f}") for name, took, tokens in parts]  # fmt: skip
    header = ("phase", "s", "share", "tokens per s", "per GPU")
    print_table(console, header, rows)
    console.say(
        f"of the rollout, prompts take {seconds.prefill:,.1f} s; exchanging weights and gradients "
        f"takes {seconds.exchange:,.1f} s and overlaps with training"
    )
    console.say(
        f"{plan.rollouts:,} rollouts: {plan.steps:,} steps, {plan.hours(seconds.step):,.1f} hours, "
        f"{plan.hours(seconds.step) * job.gpus:,.0f} GPU hours, ${plan.dollars(seconds.step):,.0f}"
    )


def split_lines(plan: Plan) -> list[str]:
    """When it pays to sample on GPUs of their own."""
    job, together = plan.job, plan.choice.seconds.step
    if job.gpus == 1:
        return ["one GPU does both"]
    best = quickest(job, plan.asked, False)
    over = quickest(job, plan.asked, True)
    if best is None or over is None:
        return ["no split fits: a server's GPUs share the heads evenly, prompts_per_step is a "
                "multiple of the others"]  # fmt: skip
    pays = "pays" if best.in_turn < together else "does not pay"
    lines = [
        f"in turn, as rlskills runs: {_counts(best)}, {best.in_turn:,.1f} s per step against "
        f"{together:,.1f} on the same GPUs: it {pays}"
    ]
    pays = "would pay" if over.overlapped < together else "would not pay"
    lines.append(
        f"overlapped, one step off-policy (rlskills does not): {_counts(over)}, "
        f"{over.overlapped:,.1f} s per step: it {pays}"
    )
    return lines


def _counts(split: Split) -> str:
    return f"vLLM on {split.servers}, training on {split.trainers}"


def _show_split(plan: Plan, console: Console) -> None:
    console.say("\nsampling on GPUs of their own (one vLLM server)")
    for line in split_lines(plan):
        console.say(f"  {line}")


def _show_command(plan: Plan, console: Console) -> None:
    job, choice = plan.job, plan.choice
    console.say("\nas a run (environment and levels are yours)")
    console.say("  " + command(job, plan.model, choice, plan.steps))
    best = quickest(job, plan.asked, False)
    if best and best.in_turn < choice.seconds.step:
        console.say("or split:")
        console.say("  " + " ".join(server_words(job, plan.model, best)))
        trainers = replace(job, gpus=best.trainers, engine="vllm")
        console.say("  " + command(trainers, plan.model, best.training, plan.steps))


def command(job: Job, model: str, choice: Choice, steps: int) -> str:
    """One line for a shell."""
    words: Sequence[str] = [
        *launcher(choice.layout.strategy, job.gpus), "rlskills", "run", "grpo", "--env", "ENV",
        *run_flags(job, model, choice, steps),
    ]  # fmt: skip
    return shlex.join(words)
