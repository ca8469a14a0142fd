"""What holds of every plan: sharing never costs memory, length is never free."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rlskills.planning.choose import Asked, choices, chosen
from rlskills.planning.command import run_flags
from rlskills.planning.gpus import GPUS
from rlskills.planning.job import Job, Layout
from rlskills.planning.memory import GIB, SHARDED, memory_of
from rlskills.planning.shapes import SHAPES

JOBS = st.builds(
    Job,
    shape=st.sampled_from([*SHAPES.values()]),
    gpu=st.sampled_from([*GPUS.values()]),
    gpus=st.sampled_from([1, 2, 4, 8, 16, 32]),
    length=st.integers(600, 40_000),
    prompt_length=st.integers(1, 500),
    prompts_per_step=st.sampled_from([32, 64, 128]),
    group_size=st.integers(2, 16),
    engine=st.sampled_from(["vllm", "transformers"]),
    attention=st.sampled_from(["flash_attention_2", "sdpa"]),
    lora_rank=st.sampled_from([0, 16]),
)
ASKED = st.builds(
    Asked, st.sampled_from(["ddp", "zero2", "zero3"]), st.sampled_from([None, True, False])
)


@settings(deadline=None, max_examples=50)
@given(JOBS, st.sampled_from(["fsdp2", "zero2", "zero3"]), st.booleans(), st.integers(1, 64))
def test_more_gpus_never_need_more_memory(job: Job, strategy, checkpointing: bool, sequences: int):
    layout = Layout(strategy, checkpointing=checkpointing)
    fewer = memory_of(job, layout, sequences).peak
    more = memory_of(replace(job, gpus=2 * job.gpus), layout, sequences).peak
    assert more <= fewer


@settings(deadline=None, max_examples=50)
@given(JOBS, ASKED, st.integers(1, 20_000))
def test_longer_never_needs_less_and_is_never_cheaper(job: Job, asked: Asked, more: int):
    longer = replace(job, length=job.length + more)
    before, behind = (chosen(choices(one, asked)) for one in (job, longer))
    assert behind.fits <= before.fits
    assume(behind.fits)
    assert behind.seconds.step >= before.seconds.step
    layout = before.layout
    assert memory_of(longer, layout, 3).peak >= memory_of(job, layout, 3).peak


@settings(deadline=None, max_examples=50)
@given(JOBS, ASKED)
def test_checkpointing_saves_memory_and_adapters_too(job: Job, asked: Asked):
    plain = Layout(asked.strategy or "ddp", sleep=True)
    whole = memory_of(job, plain, 1).training
    part = memory_of(job, replace(plain, checkpointing=True), 1).training
    assert part["activations"] < whole["activations"]
    adapters = replace(job, lora_rank=16, base_dtype="bfloat16")
    assert memory_of(adapters, plain, 1).peak <= memory_of(job, plain, 1).peak


@settings(deadline=None, max_examples=50)
@given(JOBS)
def test_what_is_said_to_fit_fits(job: Job):
    limit = job.gpu.memory * GIB * job.assumed.usable
    for choice in choices(job, Asked()):
        memory = memory_of(job, choice.layout, max(1, choice.sequences))
        assert choice.fits == (memory.peak <= limit)
        if choice.fits:
            assert choice.sequences >= 1
            assert job.share % choice.layout.micro_batch == 0
            assert "--rl.engine" in run_flags(job, "m", choice, 1)
        if choice.layout.strategy in SHARDED and job.gpus > 1:
            assert memory.peak < memory_of(replace(job, gpus=1), choice.layout, 1).peak * 64


@settings(deadline=None, max_examples=50)
@given(JOBS, st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_a_better_gpu_is_never_slower(job: Job, mfu: float, share: float):
    worse = replace(job, assumed=replace(job.assumed, mfu=min(mfu, share)))
    better = replace(job, assumed=replace(job.assumed, mfu=max(mfu, share)))
    one, other = (chosen(choices(each, Asked("zero3"))) for each in (worse, better))
    assume(one.fits)
    assert other.seconds.step <= one.seconds.step * (1 + 1e-9)
