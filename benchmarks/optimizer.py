"""Muon in the type of the weights against torch's own, which computes in bfloat16.

    python benchmarks/optimizer.py [--hidden 96] [--threads 1] [--rounds 5]

prints processor seconds of a step of each over all weight matrices of the layers of a tiny model
(medians, in turn), and their ratio. Gradients are random.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch
import tyro
from torch.optim import Muon as TorchMuon
from torch.optim import Optimizer

from rlskills.models.choose_kernels import keep_freed_memory, use_threads
from rlskills.models.tiny import TinyConfig, tiny_model
from rlskills.training.muon import Muon
from rlskills.training.optim import split


@dataclass
class Config:
    """What is timed."""

    hidden: int = TinyConfig.hidden
    """Width of the tiny model."""
    threads: int = 1
    rounds: int = 5


def matrices_of(config: Config) -> list[torch.nn.Parameter]:
    """The weight matrices of the layers, with random gradients."""
    matrices, _ = split(tiny_model(TinyConfig(hidden=config.hidden), 100, 0))
    for matrix in matrices:
        matrix.grad = torch.randn_like(matrix)
    return matrices


def seconds_of(optimizers: list[Optimizer], rounds: int) -> list[float]:
    """Median processor seconds of a step of each, in turn; the first round is to warm up."""
    spent: list[list[float]] = [[] for _ in optimizers]
    for _ in range(rounds + 1):
        for optimizer, found in zip(optimizers, spent, strict=True):
            begin = time.process_time()
            optimizer.step()
            found.append(time.process_time() - begin)
    return [statistics.median(found[1:]) for found in spent]


def main(config: Config) -> None:
    """Print the table."""
    keep_freed_memory()
    use_threads(config.threads)
    matrices = matrices_of(config)
    theirs = TorchMuon(matrices, lr=1e-9, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    ours, other = seconds_of([Muon(matrices, 1e-9, 0.0), theirs], config.rounds)
    print(f"ours {ours:.3f} s, torch's {other:.3f} s: {other / ours:.1f} times as long")


if __name__ == "__main__":
    main(tyro.cli(Config))
