from __future__ import annotations

import pytest

from rlskills.commands import doctor as room
from rlskills.commands.doctor import doctor


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
