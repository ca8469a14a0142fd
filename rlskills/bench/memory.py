"""Peak memory of a piece of work, and the rate of matrix products that this machine reaches."""

from __future__ import annotations

import ctypes
import re
import time
from pathlib import Path

import torch

from ..models.kernels import Kernels
from ..planning.gpus import GPUS

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak:
    """The most memory that was held within `with`, in `bytes`.

    On a GPU that of its tensors. Elsewhere what the process held, weights and libraries included,
    as Linux counts it; 0 on other systems.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.bytes = 0

    def __enter__(self) -> Peak:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            _forget()
        return self

    def __exit__(self, *_: object) -> None:
        if self.device.type == "cuda":
            self.bytes = torch.cuda.max_memory_allocated(self.device)
        else:
            self.bytes = _most()


def _forget() -> None:
    """Give back what was freed, and have the system begin to count anew."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        CLEAR.write_text("5")
    except (OSError, AttributeError):
        return


def _most() -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def peak_rate(device: torch.device, kernels: Kernels) -> tuple[float, str]:
    """Operations per second that a utilisation is a share of, and where the number is from.

    Of a GPU by its data sheet, where the planner knows it and half precision is used; else what a
    large matrix product reaches here, on the threads and in the precision of the training.
    """
    half = kernels.compute == "bfloat16"
    if device.type == "cuda" and half:
        name = torch.cuda.get_device_name(device)
        for known, gpu in GPUS.items():
            if known in name.replace(" ", ""):
                return gpu.peak, f"data sheet of {known}, dense bfloat16"
    dtype = torch.bfloat16 if half else torch.float32
    size = 8192 if device.type == "cuda" else 1024
    rate = _measured(device, dtype, size)
    kind = str(dtype).removeprefix("torch.")
    return rate, f"measured {kind} product of {size} x {size} matrices"


def _measured(device: torch.device, dtype: torch.dtype, size: int) -> float:
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(8):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        began = time.perf_counter()
        _ = left @ right
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best
