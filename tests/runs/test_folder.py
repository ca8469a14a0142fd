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
