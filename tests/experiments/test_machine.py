"""What the runner takes of the machine."""

from __future__ import annotations

import pytest
import torch

from rlskills.console import Console
from rlskills.errors import UserError
from rlskills.experiments import machine
from rlskills.models.machine import Machine


def test_several_gpus_in_one_process_are_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "default_device", lambda: "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(
        UserError, match="4 GPUs are visible to one process: put `accelerate launch"
    ):
        machine._check_gpus(1)
    machine._check_gpus(4)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    machine._check_gpus(1)


def test_what_is_asked_for_is_what_arms_get():
    asked = Machine(threads=1, attention="sdpa", compute="bfloat16", batch_tokens=9000)
    prepared = machine.prepare(asked, Console(quiet=True))
    assert prepared.kernels == asked.kernels()
    assert (prepared.kernels.compute, prepared.kernels.batch_tokens) == ("bfloat16", 9000)
