"""Records make a study complete without training; what cannot be taken is said."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.experiments.records import NAME, DamagedRecord, read_record
from rlskills.report.reading import load_runs
from rlskills.runs.folder import RunFolder

from .two_arms import SFT, run, study


@pytest.fixture
def records(finished: Path, tmp_path: Path) -> Path:
    """Records alone, as they would be committed."""
    folder = tmp_path / "records"
    for arm in ("base", "child"):
        (folder / arm).mkdir(parents=True)
        shutil.copy(finished / "seed0" / arm / NAME, folder / arm / NAME)
    return folder


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for text in texts(list(item))]
    return [t for v in value for t in texts(v)] if isinstance(value, list) else [str(value)]


def test_a_record_is_small_and_knows_no_folder(finished: Path):
    file = finished / "seed0/child" / NAME
    assert file.stat().st_size < 10_000
    value = json.loads(gzip.decompress(file.read_bytes()))
    assert {"versions", "git", "budget", "config", "supervision"} <= set(value["run"])
    assert not [text for text in texts(value) if text.startswith("/") or str(finished) in text]


def test_records_complete_a_study_without_training(
    finished: Path, records: Path, small_model: Path, tmp_path: Path
):
    said = run(study(small_model), tmp_path / "there", records)
    assert said.count("complete by") == 2
    arms = tmp_path / "there/seed0"
    assert not list(arms.rglob("*.safetensors"))
    for arm in ("base", "child"):
        for name in ("evaluation.json", "metrics.jsonl"):
            there, here = (json_lines(f / arm / name) for f in (arms, finished / "seed0"))
            assert there == here
        assert list((arms / arm / "tensorboard").iterdir())
    there, here = (load_runs([folder]) for folder in (arms, finished))
    assert [replace(a, folder=b.folder) for a, b in zip(there, here, strict=True)] == here
    assert run(study(small_model), tmp_path / "there").count("complete, reused") == 2


def json_lines(file: Path) -> Any:
    text = file.read_text()
    return json.loads(text) if file.suffix == ".json" else text


def test_a_record_in_the_arms_own_folder_is_taken(records: Path, small_model: Path, tmp_path: Path):
    shutil.copytree(records, tmp_path / "out/seed0")
    assert run(study(small_model), tmp_path / "out").count("complete by") == 2


def test_a_changed_setting_is_not_taken_and_its_base_is_trained_again(
    records: Path, small_model: Path, tmp_path: Path
):
    changed = study(small_model, child=replace(SFT, learning_rate=2e-4))
    said = run(changed, tmp_path / "there", records)
    assert "complete by" not in said
    assert "base: its weights are not here and child starts from them: trained" in said
    for arm in ("base", "child"):
        assert (tmp_path / "there/seed0" / arm / "model/model.safetensors").exists()
        manifest = json.loads((tmp_path / "there/seed0" / arm / "run.json").read_text())
        assert manifest["status"] == "complete"
        assert "recorded" not in manifest


def test_a_damaged_record_is_named_and_ignored(records: Path, small_model: Path, tmp_path: Path):
    for arm, harm in (("base", lambda data: data[:-20]), ("child", lambda data: b"no gzip")):
        file = records / arm / NAME
        file.write_bytes(harm(file.read_bytes()))
    said = run(study(small_model), tmp_path / "there", records)
    for arm in ("base", "child"):
        assert f"{records / arm / NAME}: damaged, ignored" in said
        assert (tmp_path / "there/seed0" / arm / "model/model.safetensors").exists()


def test_a_record_whose_settings_were_edited_is_damaged(records: Path):
    file = records / "child" / NAME
    value = json.loads(gzip.decompress(file.read_bytes()))
    value["run"]["config"]["settings"]["max_steps"] = 99
    file.write_bytes(gzip.compress(json.dumps(value).encode()))
    with pytest.raises(DamagedRecord, match="hash"):
        read_record(file)


def test_a_missing_folder_of_records_is_one_line(small_model: Path, tmp_path: Path):
    with pytest.raises(UserError, match="no such folder of records"):
        run(study(small_model), tmp_path / "out", tmp_path / "none")


def test_another_configuration_is_refused_before_anything_is_trained_or_saved(
    finished: Path, small_model: Path
):
    files = {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()}
    with pytest.raises(UserError, match="child holds a run made with another configuration"):
        run(study(small_model, child=replace(SFT, learning_rate=2e-4)), finished)
    assert files == {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()}


def test_an_arm_is_not_reused_beside_another_base(
    finished: Path, small_model: Path, tmp_path: Path
):
    folder = tmp_path / "out"
    shutil.copytree(finished, folder)
    weights = folder / "seed0/base/model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    RunFolder.read(folder / "seed0/base").seal("model")  # other weights, and whole
    with pytest.raises(UserError, match=r"base/model holds other weights than .*child started"):
        run(study(small_model), folder)
