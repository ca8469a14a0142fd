from __future__ import annotations

from pathlib import Path

import pytest

from rlskills.errors import UserError
from rlskills.runs.folder import RunFolder, write_json

CONFIG = {"settings": {"updates": 10, "arms": ("a", "b")}, "seed": 1}


def test_the_same_configuration_finds_the_run_again(tmp_path: Path):
    first = RunFolder.open(tmp_path / "run", arm="grpo", config=CONFIG, seed=1)
    assert not first.complete
    first.note(kernels={"attention": "eager"})
    second = RunFolder.open(tmp_path / "run", arm="grpo", config=CONFIG, seed=1)
    assert second.manifest == first.manifest
    second.finish()
    assert RunFolder.read(tmp_path / "run").complete
    for field in ("versions", "git", "python", "config", "config_hash"):
        assert field in second.manifest
    assert second.manifest["versions"]["trl"]


def test_another_configuration_is_refused_and_named(tmp_path: Path):
    RunFolder.open(tmp_path / "run", arm="grpo", config=CONFIG)
    before = (tmp_path / "run" / "run.json").read_bytes()
    other = {"settings": {"updates": 20, "arms": ("a", "b")}, "seed": 1}
    with pytest.raises(UserError, match=r"another configuration.*updates: 10 there, 20 now"):
        RunFolder.open(tmp_path / "run", arm="grpo", config=other)
    assert (tmp_path / "run" / "run.json").read_bytes() == before


def test_damaged_or_missing_manifests_are_one_error(tmp_path: Path):
    with pytest.raises(UserError, match="not a run folder"):
        RunFolder.read(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        RunFolder.read(tmp_path)


def test_json_is_written_whole_or_not_at_all(tmp_path: Path):
    file = tmp_path / "x.json"
    write_json(file, {"a": 1})
    with pytest.raises(TypeError):
        write_json(file, {"a": object()})
    assert file.read_text() == '{\n "a": 1\n}\n'


def test_a_user_error_is_the_status_of_a_run(tmp_path: Path):
    run = RunFolder.open(tmp_path / "run", arm="grpo", config=CONFIG)
    run.checkpoints.mkdir()
    with pytest.raises(UserError, match="train/loss is nan"), run.attempt():
        raise UserError("train/loss is nan at step 7")
    found = RunFolder.read(run.path)
    assert not found.complete
    assert found.manifest["status"] == "failed"
    assert found.manifest["reason"] == "train/loss is nan at step 7"
    assert found.checkpoints.is_dir()
    with found.attempt():
        assert RunFolder.read(run.path).manifest["status"] == "running"
    found.finish()
    assert "reason" not in RunFolder.read(run.path).manifest


def test_another_process_does_not_write_the_status(tmp_path: Path):
    run = RunFolder.open(tmp_path / "run", arm="grpo", config=CONFIG)
    with pytest.raises(UserError), run.attempt(main=False):
        raise UserError("late")
    assert RunFolder.read(run.path).manifest["status"] == "running"


def test_json_holds_finite_numbers_only(tmp_path: Path):
    write_json(tmp_path / "a.json", {"x": 1.0})
    with pytest.raises(UserError, match=r"cannot write .*a\.json"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert (tmp_path / "a.json").read_text() == '{\n "x": 1.0\n}\n'
