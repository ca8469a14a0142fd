"""Memory, time and cost of a small shape, worked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rlskills.planning.choose import Asked, choices, chosen
from rlskills.planning.gpus import Gpu
from rlskills.planning.job import Assumed, Job, Layout
from rlskills.planning.memory import (
    activations,
    head,
    layer_activations,
    memory_of,
    sequences_that_fit,
)
from rlskills.planning.shapes import Shape
from rlskills.planning.show import made
from rlskills.planning.speed import (
    exchanged_bytes,
    rollout_seconds,
    seconds_of,
    token_seconds,
    trained_flops,
)
from rlskills.planning.split import splits

SHAPE = Shape(2, 10, 2, 1, 5, 20, 100, True)
"""A layer: 2 x 10 x (10 + 5) attention, 3 x 10 x 20 feed-forward, 20 norms: 920. With 10 of the
last norm and 1000 of the embeddings: 2850."""
GPU = Gpu(1.0, 1e6, 1e6, 1e5, 1e4, 3.0)
RATES = Assumed(mfu=0.5, bandwidth_share=0.5, mean_share=0.5, usable=1.0, launch_vllm=1e-9,
                launch_transformers=1e-9)  # fmt: skip
JOB = Job(SHAPE, GPU, 4, 12, 4, 8, 2, assumed=RATES)
"""16 rollouts of a step, 4 for each GPU."""


def test_parameters():
    assert SHAPE.parameters == 2850 == SHAPE.multiplied
    assert SHAPE.in_layers == 1850
    assert SHAPE.cached == 2 * 2 * 5
    # q and o: 10 + 10, k and v: 10 + 5, three of 10 + 20; two layers of rank 3.
    assert SHAPE.adapters(3) == 2 * 3 * (2 * 20 + 2 * 15 + 3 * 30)
    assert replace(SHAPE, tied=False).multiplied == 2850


@pytest.mark.parametrize(
    ("strategy", "whole", "shared"),
    [("ddp", 20, 0), ("fsdp2", 0, 16), ("zero2", 2, 14), ("zero3", 0, 16)],
)
def test_bytes_for_each_weight(strategy, whole: int, shared: int):
    """As docs/training.md has them, and DDP's buckets."""
    found = memory_of(JOB, Layout(strategy, sleep=True), 1).training
    names = ("weights", "gradients", "optimizer state", "gradient buckets")
    state = sum(found.get(name, 0) for name in names)
    assert state == pytest.approx(2850 * (whole + shared / 4))


def test_adapters_are_all_that_is_trained():
    job = replace(JOB, lora_rank=3, base_dtype="bfloat16", gpus=1)
    found = memory_of(job, Layout("ddp", sleep=True), 1).training
    assert found["weights"] == 2 * 2850 + 4 * 960
    assert found["gradients"] + found["optimizer state"] == 12 * 960
    assert "bfloat16 weights" not in found  # they are already


def test_activations():
    # 26 x 10 + 4 x 2 x 20 + stats 4 x 2 + 8 + queries and output 4 x 10 + keys and values 4 x 5.
    assert layer_activations(SHAPE, 12) == 260 + 160 + 16 + 40 + 20
    # Keys and values as wide as the queries, and 12 numbers of the mask.
    assert layer_activations(SHAPE, 12, attention="sdpa") == 260 + 160 + 16 + 80 + 24
    assert activations(JOB, Layout("ddp", 2)) == 24 * (2 * 496 + 80)
    assert activations(JOB, Layout("ddp", 2, True)) == 24 * (496 + 2 * 40 + 80)


def test_the_head():
    assert head(JOB, Layout("ddp", 2)) == 2 * 24 * 2**15 + 4 * 24 * 10 + 4 * 1000
    assert head(JOB, Layout("zero3", 2)) == head(JOB, Layout("ddp", 2)) + 4 * 1000


def test_what_samples():
    found = memory_of(JOB, Layout("ddp", tensor_parallel=2), 3)
    assert found.sampling["copy for sampling"] == 2850
    assert found.sampling["KV cache"] == 3 * 12 * 20 * 2 / 2
    assert found.training["KV cache"] == found.sampling["KV cache"]
    assert "gradients" not in found.sampling
    asleep = memory_of(JOB, Layout("ddp", sleep=True), 3)
    assert "KV cache" not in asleep.training
    own = memory_of(replace(JOB, engine="transformers"), Layout("ddp"), 3)
    assert own.sampling["KV cache"] == 3 * 12 * 20 * 4  # float32 beside float32 weights
    assert "copy for sampling" not in own.sampling
    gathered = memory_of(replace(JOB, engine="transformers"), Layout("fsdp2"), 3)
    assert gathered.sampling["KV cache"] == 3 * 12 * 20 * 2
    assert gathered.sampling["copy for sampling"] == 2 * 2850


def test_sequences_that_fit():
    small = replace(JOB, engine="transformers", gpu=replace(GPU, memory=100_000 / 2**30))
    layout = Layout("fsdp2")
    free = 100_000 - 12 * 2850 / 4 - 2 * 2850
    each = 12 * 20 * 2 + 12 * 100 + 4 * (8 * 10 + 6 * 20)
    assert sequences_that_fit(replace(small, group_size=200), layout) == int(free / each) == 34
    assert sequences_that_fit(small, layout) == 4  # all that there are


def test_operations_for_a_token():
    forward = 2 * 2850 + 4 * 2 * 10 * 12
    job = replace(JOB, engine="transformers")
    assert trained_flops(job, Layout("ddp")) == 3 * forward
    assert trained_flops(job, Layout("ddp", 1, True)) == 4 * forward - 2 * 1000
    assert trained_flops(JOB, Layout("ddp")) == 4 * forward  # and vLLM's tokens are read once
    adapters = replace(job, lora_rank=3)
    assert trained_flops(adapters, Layout("ddp")) == 3 * forward - 2 * 2850 + 6 * 960


def test_exchanged_bytes():
    job = replace(JOB, engine="transformers")
    assert exchanged_bytes(job, Layout("ddp")) == 8 * 2850 * 3 / 4
    assert exchanged_bytes(job, Layout("fsdp2", 2)) == 2 * (2 + 2 + 4) * 2850 * 3 / 4
    assert exchanged_bytes(job, Layout("zero2", 2)) == (2 * 2 + 2) * 2850 * 3 / 4
    assert exchanged_bytes(replace(job, gpus=1), Layout("ddp")) == 0


def test_seconds_of_a_token():
    # 5700 bytes of weights, and 3 x 10 x 20 numbers of cache, at half of 1e6 bytes per second.
    reading = (5700 + 3 * 10 * 40) / 5e5
    arithmetic = 3 * (2 * 2850 + 4 * 2 * 10 * 10) / 5e5
    found = token_seconds(JOB, Layout("ddp"), 3, 10)
    assert found == pytest.approx(max(reading, arithmetic), rel=1e-6)
    one = token_seconds(JOB, Layout("ddp"), 1, 10)
    assert one == pytest.approx((5700 + 400) / 5e5 if 6100 > 6500 else 6500 / 5e5, rel=1e-6)
    own = replace(JOB, engine="transformers", gpu=replace(GPU, peak=1e12))
    moved = 8 * 2850 + 3 * 3 * 10 * 20 * 4
    assert token_seconds(own, Layout("ddp"), 3, 10) == pytest.approx(moved / 5e5, rel=1e-6)


def test_seconds_of_a_rollout():
    """4 rollouts of 4 + 8 tokens, 4 new ones in the mean; 2 at a time."""
    one = token_seconds(JOB, Layout("ddp"), 2, 4 + 2)
    prefill, decode = rollout_seconds(JOB, Layout("ddp"), 2)
    assert decode == pytest.approx(8 * one)  # 16 tokens, 2 at a time, and the longest has 8
    assert prefill == pytest.approx(2 * 4 * (2 * 2850 + 4 * 2 * 10 * 2) / 5e5)  # 2 prompts
    own = replace(JOB, engine="transformers")
    prefill, decode = rollout_seconds(own, Layout("ddp"), 2)
    assert decode == pytest.approx(2 * 8 * token_seconds(own, Layout("ddp"), 2, 4 + 4))
    assert prefill == pytest.approx(4 * 4 * (2 * 2850 + 4 * 2 * 10 * 2) / 5e5)


def test_cost():
    job = replace(JOB, gpu=replace(GPU, memory=1000.0))
    plan = made(job, Asked(), "m", "g", 160)
    seconds = plan.choice.seconds
    assert plan.steps == 10
    assert plan.hours(seconds.step) == pytest.approx(10 * seconds.step / 3600)
    assert plan.dollars(seconds.step) == pytest.approx(10 * seconds.step / 3600 * 4 * 3.0)
    assert seconds == seconds_of(job, plan.choice.layout, plan.choice.sequences)
    assert plan.choice.layout.strategy == "ddp"


def test_splits_by_hand():
    job = replace(JOB, shape=replace(SHAPE, key_heads=2), gpu=replace(GPU, memory=1000.0))
    found = {split.servers: split for split in splits(job, Asked())}
    assert set(found) == {2}  # 3 trainers do not divide 8 prompts, 4 of 4 leave none
    split = found[2]
    send = 2 * job.shape.parameters / 1e5
    assert split.send_seconds == pytest.approx(send)
    training = split.training.seconds.training
    assert split.in_turn == pytest.approx(split.rollout_seconds + send + training)
    assert split.overlapped == pytest.approx(max(split.rollout_seconds, training) + send)


def test_the_first_strategy_that_fits_is_taken():
    job = replace(JOB, engine="transformers")
    sizes = {choice.layout.strategy: choice.memory.peak for choice in choices(job, Asked())}
    assert list(sizes) == ["ddp", "fsdp2", "zero2", "zero3"]
    assert chosen(choices(job, Asked())).layout.strategy == "ddp"
    large = replace(job, shape=replace(SHAPE, counted=10**6, vocabulary=10))
    tight = replace(large, gpu=replace(GPU, memory=12e6 / 2**30))
    found = chosen(choices(tight, Asked()))
    assert (found.fits, found.layout.strategy) == (True, "fsdp2")
