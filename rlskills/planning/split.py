"""Sampling on GPUs of its own, by one vLLM server, beside sampling where the model trains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .choose import Asked, Choice, choices, chosen
from .gpus import NODE
from .job import Job, Layout
from .memory import GIB, HALF_BYTES, sampler_bytes
from .speed import link_speed, rollout_seconds


@dataclass(frozen=True)
class Split:
    """`servers` GPUs of one vLLM, and the rest for training."""

    servers: int
    trainers: int
    sequences: int
    training: Choice
    rollout_seconds: float
    send_seconds: float
    """Of the weights, after every step."""

    @property
    def in_turn(self) -> float:
        """Seconds of a step as rlskills does it: the trainers wait for the rollouts."""
        return self.rollout_seconds + self.send_seconds + self.training.seconds.training

    @property
    def overlapped(self) -> float:
        """Seconds of a step if the next rollouts were sampled meanwhile, by the weights before:
        one step off-policy, which rlskills does not do."""
        longer = max(self.rollout_seconds, self.training.seconds.training)
        return longer + self.send_seconds


def splits(job: Job, asked: Asked) -> Iterator[Split]:
    """Every one that fits: servers of up to one machine, whose GPUs share the heads evenly."""
    for servers in (1, 2, 4, NODE):
        trainers = job.gpus - servers
        uneven = job.shape.key_heads % servers or (trainers and job.prompts_per_step % trainers)
        if trainers < 1 or uneven:
            continue
        there = replace(job, gpus=servers, engine="vllm")
        layout = Layout("ddp", tensor_parallel=servers)
        sequences = _room(there, layout)
        training = chosen(choices(replace(job, gpus=trainers, engine="vllm"), asked, False))
        if sequences < 1 or not training.fits:
            continue
        sampling = sum(rollout_seconds(there, layout, sequences))
        send = HALF_BYTES * job.shape.parameters / link_speed(job)
        yield Split(servers, trainers, sequences, training, sampling, send)


def _room(job: Job, layout: Layout) -> int:
    """Sequences that a server decodes at a time."""
    copy, cache, work, fixed = sampler_bytes(job, layout)
    free = job.gpu.memory * GIB * job.assumed.usable - copy - fixed
    return max(0, min(job.rows, int(free / (cache + work))))


def quickest(job: Job, asked: Asked, overlapped: bool) -> Split | None:
    """The split with the shortest step; None where none fits."""
    found = splits(job, asked)
    return min(found, key=lambda s: s.overlapped if overlapped else s.in_turn, default=None)
