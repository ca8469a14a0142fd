"""The choice of kernels, and the allocator's settings."""

import platform
import subprocess
import sys

import pytest
import torch

from rlskills.errors import UnknownName
from rlskills.models.choose_kernels import apply, resolve
from rlskills.models.kernels import Kernels

FAULTS = """
import resource, torch
from rlskills.models.choose_kernels import keep_freed_memory
assert keep_freed_memory()
ones = torch.ones(2**20)

def step():
    first = ones * 2
    second = first * 3
    return second * 4

for _ in range(10):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_what_is_asked_for_is_taken() -> None:
    wanted = Kernels("sdpa", "high", "float32", 9000)
    assert resolve(wanted, "cpu") == wanted


def test_auto_is_replaced_by_what_a_cpu_can_run() -> None:
    before = torch.get_float32_matmul_precision()
    found = resolve(Kernels(), "cpu")
    assert found.attention in ("eager", "sdpa")
    assert found.precision in ("highest", "medium")
    assert torch.get_float32_matmul_precision() == before


def test_a_wrong_name_is_said() -> None:
    with pytest.raises(UnknownName, match="eager"):
        Kernels("eagr")


def test_precision_is_set() -> None:
    before = torch.get_float32_matmul_precision()
    try:
        apply(Kernels("eager", "medium"))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="an allocator of another C library")
def test_freed_tensors_are_used_again_without_page_faults() -> None:
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    # Mapped afresh, each of the three tensors of a step would fault on each of its 1024 pages.
    assert int(run.stdout) < 50 * 3 * 1024 / 10
