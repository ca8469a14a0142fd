from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from rlskills.errors import UserError
from rlskills.runs.budget import Budget
from rlskills.runs.ended import faults
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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is damaged: "), ("", "it is empty"), ("\xff", "is damaged: 'utf-8'"),
        ("[]", "not a JSON object"), ("{}", "it has no 'arm'"), ("[" * 10**5, "nested too deeply"),
        ('{"arm": "a", "status": 3, "config": {}, "config_hash": "x"}', "its 'status' is int"),
    ],
)  # fmt: skip
def test_a_damaged_manifest_is_one_line_with_the_way_on(tmp_path: Path, text: str, why: str):
    (tmp_path / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=why) as caught:
        RunFolder.read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/run.json is damaged: ")
    assert str(caught.value).count("remove that file and repeat the command") == 1
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_manifest_whose_hash_is_of_another_configuration_is_damaged(tmp_path: Path):
    run = RunFolder.open(tmp_path / "run", arm="grpo", config=CONFIG)
    run.manifest["config"]["seed"] = 2
    run.save()
    for seed in (1, 2):
        with pytest.raises(UserError, match="its hash is not that of its configuration"):
            RunFolder.open(tmp_path / "run", arm="grpo", config={**CONFIG, "seed": seed})


def test_parts_of_a_manifest_are_what_they_should_be(tmp_path: Path):
    run = RunFolder.open(tmp_path / "run", arm="grpo", config=CONFIG, budget={"samples": 3})
    assert run.made("budget", Budget) == Budget(samples=3)
    for wrong in ({"sample": 3}, [], None, 3):
        run.note(budget=wrong)
        with pytest.raises(UserError, match=r"run\.json is damaged: its 'budget' cannot be"):
            run.made("budget", Budget)


def ended(folder: Path) -> RunFolder:
    run = RunFolder.open(folder, arm="grpo", config=CONFIG)
    for name in ("model/a.json", "tensorboard/final/events", "metrics.jsonl", "evaluation.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    run.finish()
    return run


def test_a_complete_run_knows_what_it_ended_with(tmp_path: Path):
    run = ended(tmp_path)
    assert len(run.manifest["sealed"]) == 4
    assert faults(run) == {}
    (tmp_path / "model/a.json").write_text("y")
    (tmp_path / "evaluation.json").unlink()
    (tmp_path / "more").touch()
    assert faults(RunFolder.read(tmp_path)) == {
        "model": f"{tmp_path}/model/a.json has changed since it was written",
        "evaluation.json": f"{tmp_path}/evaluation.json is missing",
    }
    run.seal("model")
    assert faults(RunFolder.read(tmp_path)).keys() == {"evaluation.json"}
    run.note(sealed=[])
    with pytest.raises(UserError, match="its 'sealed' is no object"):
        faults(RunFolder.read(tmp_path))


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
