"""The page on scale: from one GPU to 64, by size of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..errors import UserError
from ..tables import markdown
from .choose import Asked
from .gpus import GPUS
from .job import Assumed, Job
from .shapes import SHAPES, SIZES
from .show import Plan, described, gib, made
from .split import quickest

COUNTS = (1, 2, 4, 8, 16, 32, 64)
MODELS = ("0.6B", "1.7B", "4B", "8B", "14B", "32B", "70B")
ROLLOUTS = 100_000
LONG = {"ddp": "DDP", "fsdp2": "FSDP2", "zero2": "ZeRO-2", "zero3": "ZeRO-3"}


@dataclass(frozen=True)
class Row:
    """One part of one model, as planned and as counted."""

    model: str
    part: str
    planned: float
    counted: float

    @property
    def ratio(self) -> float:
        """Above 1: the planner says more than there is."""
        return self.planned / self.counted


def plan_of(size: str, gpus: int, **changes: object) -> Plan:
    """The plan of a cell: the defaults of `rlskills plan`."""
    name = SIZES[size]
    job = Job(SHAPES[name], GPUS["H100"], gpus, **changes)  # pyright: ignore[reportArgumentType]
    return made(job, Asked(), name, "H100", ROLLOUTS)


def table(cell: Callable[[Plan], str], **changes: object) -> str:
    """A row for each size, a column for each number of GPUs."""
    rows = [[size, *(_or_short(plan_of(size, n, **changes), cell) for n in COUNTS)]
            for size in MODELS]  # fmt: skip
    return markdown(("model", *(f"{n} GPU" + "s" * (n > 1) for n in COUNTS)), rows, 1)


def _or_short(plan: Plan, cell: Callable[[Plan], str]) -> str:
    return cell(plan) if plan.choice.fits else f"{gib(plan.choice.lacking)} GiB short"


def _strategy(plan: Plan) -> str:
    layout = plan.choice.layout
    kind = LONG[layout.strategy] if plan.job.gpus > 1 else "whole"
    return kind + (", checkpointing" if layout.checkpointing else "")


def _seconds(plan: Plan) -> str:
    seconds = plan.choice.seconds
    return f"{seconds.step:,.0f} s, {seconds.rollout / seconds.step:.0%}"


def _cost(plan: Plan) -> str:
    step = plan.choice.seconds.step
    return f"{plan.hours(step):,.1f} h, ${plan.dollars(step):,.0f}"


def _split(plan: Plan) -> str:
    step = plan.choice.seconds.step
    turn, over = (quickest(plan.job, plan.asked, overlapped) for overlapped in (False, True))
    if turn is None or over is None:
        return "none"
    return f"{step / turn.in_turn:.2f}, {step / over.overlapped:.2f} ({over.servers})"


def _parts(plan: Plan) -> str:
    memory = plan.choice.memory
    names = dict.fromkeys([*memory.training, *memory.sampling])
    phases = (memory.training, memory.sampling)
    rows = [[name, *(gib(part[name]) if name in part else "" for part in phases)]
            for name in names]  # fmt: skip
    rows.append(["all", *(gib(sum(part.values())) for part in phases)])
    return markdown(("part", "training", "sampling"), rows, 1)


def _measured(rows: Iterable[Row]) -> str:
    cells = [[row.model, row.part, f"{row.planned:,.0f}", f"{row.counted:,.0f}",
              f"{row.ratio:.3f}"] for row in rows]  # fmt: skip
    return markdown(("model", "part", "planned", "counted", "planned / counted"), cells, 2)


def _assumed() -> str:
    gpu, job = GPUS["H100"], plan_of("8B", 8).job
    rates = "\n".join(f"- `--assumed.{name.replace('_', '-')} {value:g}`"
                      for name, value in vars(Assumed()).items())  # fmt: skip
    return (
        f"{rates}\n- H100: {gpu.memory:g} GiB, {gpu.peak / 1e12:g} TFLOP/s dense bfloat16, "
        f"{gpu.bandwidth / 1e12:g} TB/s, {gpu.link / 1e9:g} GB/s to the others of its machine of "
        f"8, {gpu.network / 1e9:g} GB/s between machines, ${gpu.price:g} per hour\n"
        f"- {job.prompts_per_step} prompts x {job.group_size} completions per step, prompts of "
        f"{job.prompt_length} tokens, {job.length} at most with the completion, completions of "
        f"{job.mean_new:g} in the mean, {ROLLOUTS:,} rollouts; sampling with vLLM, colocated\n"
    )


def page(measured: Sequence[Row], words: str, tokens: int) -> str:
    """All of it as Markdown; `words` printed `measured`, on sequences of `tokens` tokens."""
    plan = plan_of("8B", 8)
    if not plan.choice.fits:
        raise UserError("the example of the page does not fit")
    return TEXT.format(
        words=words, tokens=tokens, assumed=_assumed(), strategies=table(_strategy),
        seconds=table(_seconds), cost=table(_cost), split=table(_split), parts=_parts(plan),
        layout=described(plan.job, plan.choice), measured=_measured(measured),
        adapters=table(_strategy, lora_rank=16, base_dtype="bfloat16"),
        adapters_cost=table(_cost, lora_rank=16, base_dtype="bfloat16"),
        own=table(_seconds, engine="transformers"),
    )  # fmt: skip


TEXT = """# From one GPU to 64

**Nothing on this page was measured on a GPU.** Every figure but those of the last section is
computed by the planner under the assumptions below; no GPU was at hand. They say what to try first
and what cannot fit, not how long a run will take. vLLM, and DeepSpeed's ZeRO on GPUs, have never
been run with rlskills either (`docs/training.md`). `rlskills plan` prints the same for your model,
GPUs and lengths:

```sh
rlskills plan --model 8B --gpus 8 --length 8192
rlskills plan --model 8B --gpus 1 --gpu RTX4090 --lora-rank 16 --base-dtype bfloat16 --length 2048
rlskills plan --model ./my-model --gpus 4 --gpu A100 --engine transformers --assumed.mfu 0.2
```

This page was written by `{words} --page docs/scale.md`.

## Assumed

{assumed}
Set `--assumed.mfu`, `--assumed.bandwidth-share` and `--assumed.mean-share` from a run of some
steps: times and costs depend on them, memory does not.

## The first strategy that fits

Whole copies (DDP) are tried first, then ZeRO-2, then ZeRO-3: vLLM does not sample from FSDP's
shards. Under a strategy the quickest layout is taken, which may have checkpointing on for the room
that it gives to rollouts. `GiB short` is what is missing on each GPU.

{strategies}
With adapters of rank 16 on bfloat16 weights:

{adapters}
## Seconds per step, and the share of the rollout in them

A step is 512 rollouts and one update.

{seconds}
The same where transformers samples in the trainer, and FSDP2 is tried behind DDP:

{own}
## Hours and dollars to 100,000 rollouts

{cost}
With adapters of rank 16 on bfloat16 weights:

{adapters_cost}
## When to sample on GPUs of their own

How many times quicker a step is with one vLLM server on 1, 2, 4 or 8 of the GPUs: in turn, as
rlskills runs, and overlapped, if rollouts were sampled while the update before is computed
(rlskills does not do that). In brackets the GPUs of the server in the second case. Below 1 it does
not pay; `none`: no split fits, or 64 prompts cannot be shared by the GPUs that are left. In turn
either part waits for the other, so a split can pay only where sharing leaves so little memory that
few sequences are sampled at a time.

{split}
## Memory of 8B on 8 GPUs

GiB on each: {layout}.

{parts}
## How it is computed

- **State**: float32 weights, gradients and two moments of AdamW, 16 bytes for each weight, shared
  as `docs/training.md` says (ZeRO, arXiv 1910.02054); DDP's buckets hold gradients once more.
  Gradients are gone while it samples.
- **Activations**: what autograd saves in a Llama or Qwen layer under autocast, after the count of
  Korthikanti et al. 2022 (arXiv 2205.05198) for GPT's. Checkpointing keeps the inputs of all layers
  and everything of one.
- **Logits**: TRL's head computes them in tiles and never has them whole.
- **Sampling**: a bfloat16 copy of the weights for vLLM, or of shards that are gathered; keys and
  values of every sequence at its full length.
- **Decoding** reads all weights and the cache for each token, at a share of the memory's bandwidth,
  and the longest completion takes all its tokens. **Reading prompts and training** are arithmetic:
  6 operations for each weight and token, and attention (PaLM, appendix B, arXiv 2204.02311).
- **Exchange** of weights and gradients overlaps with training; what is longer counts.

Not in it: the time of grading, evaluation, checkpoints, loading and sending weights to vLLM where
it is colocated; memory that is lost in fragments beyond the usable share; a reference model
(`--rl.beta`); resampled groups; several steps on a round; machines whose GPUs do not share all
heads evenly under tensor parallelism.

## What was checked

Counted on small models on a CPU, in sequences of {tokens} tokens, against the same functions
(`{words}`).
llama and qwen3 are small and random, smollm2 has 135 million weights. Bytes and operations; no
speed, no GPU.

{measured}"""
