from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import pytest

from rlskills.runs import sealing
from rlskills.training import checkpoint
from rlskills.training.checkpoint import damage, newest_whole, ordered, publish


def write(folder: Path, step: int, text: str = "weights", keep: int = 3) -> Path:
    staged = folder / ".staged" / f"checkpoint-{step}"
    staged.mkdir(parents=True)
    (staged / "model.safetensors").write_text(text)
    for name in ("optimizer.pt", "trainer_state.json", "rlskills.json"):
        (staged / name).write_text("{}")
    publish(staged, folder / f"checkpoint-{step}", keep)
    return folder / f"checkpoint-{step}"


def test_newest_is_found_by_number_and_old_ones_go(tmp_path: Path):
    for step in (5, 10, 100, 20):
        write(tmp_path, step)
    assert [path.name for path in ordered(tmp_path)] == [
        "checkpoint-10", "checkpoint-20", "checkpoint-100",
    ]  # fmt: skip
    assert newest_whole(tmp_path) == tmp_path / "checkpoint-100"


def test_a_step_may_be_written_again(tmp_path: Path):
    write(tmp_path, 5, "old")
    path = write(tmp_path, 5, "new")
    assert damage(path) is None
    assert (path / "model.safetensors").read_text() == "new"


def unseal(folder: Path, name: str) -> None:
    sealed = json.loads((folder / "seal.json").read_text())
    del sealed[name]
    (folder / "seal.json").write_text(json.dumps(sealed))


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda p: (p / "seal.json").unlink(), "no seal"),
        (lambda p: (p / "seal.json").write_text("{"), "seal is unreadable"),
        (lambda p: (p / "seal.json").write_text("[" * 10**5), "seal is unreadable"),
        (lambda p: (p / "seal.json").write_bytes(b'{"a": "\xff"}'), "seal is unreadable"),
        (lambda p: (p / "seal.json").write_text("[]"), "seal names no files"),
        (lambda p: (p / "seal.json").write_text("{}"), "seal does not name its model"),
        (lambda p: unseal(p, "optimizer.pt"), "seal does not name its optimizer"),
        (lambda p: unseal(p, "rlskills.json"), r"seal does not name rlskills\.json"),
        (lambda p: (p / "model.safetensors").unlink(), "model.safetensors is missing"),
        (
            lambda p: (p / "model.safetensors").write_text("weightz"),
            "model.safetensors has changed",
        ),
        (lambda p: (p / "model.safetensors").write_text("wei"), "model.safetensors has changed"),
    ],
)
def test_a_damaged_one_is_named_and_the_one_before_is_used(tmp_path: Path, harm, says):
    write(tmp_path, 5)
    harm(write(tmp_path, 10))
    with pytest.warns(UserWarning, match=f"checkpoint-10 is damaged: .*{says}"):
        assert newest_whole(tmp_path) == tmp_path / "checkpoint-5"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert newest_whole(tmp_path) == tmp_path / "checkpoint-5"


def test_what_was_being_written_does_not_count(tmp_path: Path):
    (tmp_path / ".staged" / "checkpoint-5").mkdir(parents=True)
    assert newest_whole(tmp_path) is None
    assert newest_whole(tmp_path / "nowhere") is None


@pytest.mark.parametrize("harm", ["short", "first", "last", "empty middle", "one block"])
def test_a_large_file_is_sealed_by_blocks(tmp_path: Path, monkeypatch, harm: str):
    """What kills and full disks leave of a file that is too large to be read at every save."""
    monkeypatch.setattr(sealing, "WHOLE", 2**10)
    monkeypatch.setattr(sealing, "BLOCK", 16)
    file = tmp_path / "model.safetensors"
    content = bytearray(os.urandom(2**14))
    file.write_bytes(content)
    for name in ("optimizer.pt", "trainer_state.json", "rlskills.json"):
        (tmp_path / name).write_text("{}")
    checkpoint.seal(tmp_path)
    assert checkpoint.damage(tmp_path) is None
    sealed = json.loads((tmp_path / checkpoint.SEAL).read_text())["model.safetensors"]
    assert sealed.startswith(f"{2**14}:")
    if harm == "short":
        del content[-1]
    elif harm == "first":
        content[0] ^= 1
    elif harm == "last":
        content[-1] ^= 1
    elif harm == "empty middle":  # a page that was never written
        content[2**13 : 2**13 + 2**12] = bytes(2**12)
    else:
        content[7 * (2**14 - 16) // 63] ^= 1
    file.write_bytes(content)
    assert checkpoint.damage(tmp_path) == "model.safetensors has changed since it was written"
