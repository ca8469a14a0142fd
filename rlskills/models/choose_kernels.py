"""The choice of kernels: by what is installed, by what a model has, on a CPU by a short timing.

On a GPU flash attention is taken where its package is installed, else PyTorch's own kernel for
sequences of unequal length, else its fused attention.
On a CPU the winner depends on the processor, so a few steps of training a tiny model decide.
"""

from __future__ import annotations

import ctypes
import statistics
import sys
import time
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import torch

from . import varlen
from .kernels import Kernels
from .traits import Traits


def default_device() -> str:
    """`cuda`, `mps` or `cpu`."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_attention(device: str) -> str:
    """The attention kernel that `resolve` would use on this kind of device."""
    return resolve(Kernels(batch_tokens=1), device).attention


@cache
def resolve(wanted: Kernels, device: str, traits: Traits | None = None) -> Kernels:
    """Replace every `auto`; on a CPU by timing the combinations, which takes some seconds.

    `traits` are those of the model (`traits_of`); None: a small one with all attention kernels.
    """
    if wanted.resolved:
        return wanted
    compute = wanted.compute
    if compute == "auto":
        half = device == "cuda" and torch.cuda.is_bf16_supported()
        compute = "bfloat16" if half or wanted.half_only else "float32"
    traits = traits or Traits()
    kernels = [name for name in _preferred(device, compute) if traits.has(name)]
    if "auto" not in (wanted.attention, wanted.precision):
        found = wanted
    elif device == "cpu":
        found = _fastest(wanted, kernels)
    else:
        found = Kernels(kernels[0], "high" if device == "cuda" else "highest")
    return Kernels(
        found.attention if wanted.attention == "auto" else wanted.attention,
        found.precision if wanted.precision == "auto" else wanted.precision,
        compute,
        wanted.batch_tokens or traits.tokens_that_fit(device, compute),
    )


def _preferred(device: str, compute: str) -> list[str]:
    """Attention kernels from the best on; `eager` is always there."""
    names = ["sdpa", "eager"]
    if device == "cuda" and compute == "bfloat16" and torch.cuda.get_device_capability() >= (8, 0):
        packages = {"flash_attn_interface": "flash_attention_3", "flash_attn": "flash_attention_2"}
        fused = [name for module, name in packages.items() if find_spec(module)]
        names = fused + [varlen.NAME] * varlen.is_there() + names
    return names


def apply(kernels: Kernels) -> None:
    """Set the process-wide matmul precision, and let freed memory be used again."""
    torch.set_float32_matmul_precision(kernels.precision)
    keep_freed_memory()


@cache
def keep_freed_memory() -> bool:
    """Have glibc hand freed tensors out again instead of returning them to the system.

    By its defaults activations of some MiB are mapped and unmapped at every step, and each of their
    pages faults on first use; on virtual machines that can cost more than the arithmetic. Results
    do not change. Elsewhere (macOS, musl) nothing happens and the answer is False.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    trim, map_above = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    return bool(mallopt(trim, 2**31 - 1)) and bool(mallopt(map_above, 2**30))


def _fastest(wanted: Kernels, kernels: Sequence[str]) -> Kernels:
    before = torch.get_float32_matmul_precision()
    candidates = [
        Kernels(attention, precision)
        for attention in ("eager", "sdpa")
        if attention in kernels
        for precision in ("highest", "medium")
        if wanted.attention in ("auto", attention) and wanted.precision in ("auto", precision)
    ]
    try:
        # An explicit request such as flash attention on a CPU is left to fail where it is used.
        return min(candidates, key=_seconds) if candidates else Kernels("eager", "medium")
    finally:
        torch.set_float32_matmul_precision(before)


def _seconds(kernels: Kernels) -> float:
    """Median seconds of a training step of the tiny model under `kernels`, on packed rows.

    Packed, because that is how demonstrations are trained on: a fused kernel can be faster without
    a mask and slower with one.
    """
    from .tiny import TinyConfig, tiny_model

    apply(kernels)
    model = tiny_model(TinyConfig(), vocabulary_size=100, seed=0)
    model.set_attn_implementation(kernels.attention)
    ids = torch.arange(32 * 48).view(32, 48) % 97 + 3
    packed = {"input_ids": ids, "labels": ids, "position_ids": torch.arange(24).repeat(32, 2)}
    times = []
    for _ in range(5):
        start = time.perf_counter()
        model(**packed, use_cache=False).loss.backward()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def use_threads(count: int) -> int:
    """Compute on `count` CPU threads (0: the library's choice, the physical cores); returns it.

    One thread is the right choice beside other busy processes: two that spin for each other are
    slower than one.
    """
    if count:
        torch.set_num_threads(count)
    return torch.get_num_threads()
