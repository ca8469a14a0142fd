"""What sealing a checkpoint costs: blocks of a large file against the whole of it.

python benchmarks/seal.py [--mib 4096]
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tyro

from rlskills.training.checkpoint import damage, seal


@dataclass
class Config:
    """How large the file is."""

    mib: int = 4096
    """Size in MiB; the weights and Adam's moments of a model of 7 billion take about 80,000."""


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def whole(file: Path) -> str:
    """The digest of all of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def main(config: Config) -> None:
    """Print seconds of both, and their ratio."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = folder / "model.safetensors"
        with file.open("wb") as handle:
            for _ in range(config.mib):
                handle.write(os.urandom(2**20))
        print("what                  wall s   processor s")
        rows = {
            "whole, sha256": timed(lambda: whole(file)),
            "seal": timed(lambda: seal(folder)),
            "check of the seal": timed(lambda: damage(folder)),
        }
        for name, (wall, cpu) in rows.items():
            print(f"{name:20} {wall:8.3f} {cpu:13.3f}")
        ratio = rows["whole, sha256"][1] / rows["seal"][1]
        print(f"whole / seal, processor time: {ratio:.0f} on {config.mib} MiB")


if __name__ == "__main__":
    main(tyro.cli(Config))
