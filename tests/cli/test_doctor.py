from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from rlskills.cli import doctor as room
from rlskills.cli.doctor import doctor


def test_doctor_says_what_is_there_and_how_to_get_the_rest(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    doctor()
    shown = capsys.readouterr().out
    for word in ("Python", "torch", "trl", "GPU", "attention kernel", "vllm"):
        assert word in shown
    assert "usable" in shown


def test_a_missing_requirement_is_named_and_exits_with_1(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(room, "REQUIRED", (*room.REQUIRED, "no-such-package"))
    with pytest.raises(SystemExit) as error:
        doctor()
    assert error.value.code == 1
    assert "no-such-package" in capsys.readouterr().out


def test_every_gpu_is_described(monkeypatch):
    card = SimpleNamespace(name="Big 9000", total_memory=80 * 2**30)
    fake = {
        "is_available": lambda: True,
        "device_count": lambda: 2,
        "get_device_properties": lambda number: card,
        "get_device_capability": lambda: (9, 0),
        "is_bf16_supported": lambda: True,
    }
    for name, function in fake.items():
        monkeypatch.setattr(torch.cuda, name, function)
    rows = {row.what: row.found for row in room._accelerators()}
    assert rows["GPU 0"] == rows["GPU 1"] == "Big 9000, 80 GiB, bf16"
    assert rows["attention kernel"] in ("torch_varlen", "flash_attention_2", "flash_attention_3")


def test_a_driver_without_a_torch_that_uses_it_is_a_note(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(room.shutil, "which", lambda name: f"/usr/bin/{name}")
    (row,) = [row for row in room._accelerators() if row.what == "GPU"]
    assert row.state == "note"
    assert "CPU build" in row.advice


@pytest.mark.parametrize("package", list(room.OPTIONAL))
def test_what_is_optional_comes_with_its_command_and_its_use(package, monkeypatch):
    monkeypatch.setattr(room, "_installed", lambda name: None)
    (row,) = [row for row in room._optional() if row.what == package]
    assert row.state == "missing"
    assert row.advice.startswith("pip install ")
    assert "\n(" in row.advice
