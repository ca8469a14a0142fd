from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from rlskills.training.checkpoint import damage, newest_whole, ordered, publish


def write(folder: Path, step: int, text: str = "weights", keep: int = 3) -> Path:
    staged = folder / ".staged" / f"checkpoint-{step}"
    staged.mkdir(parents=True)
    (staged / "model.safetensors").write_text(text)
    (staged / "state.json").write_text("{}")
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


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda p: (p / "seal.json").unlink(), "no seal"),
        (lambda p: (p / "seal.json").write_text("{"), "seal is unreadable"),
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
