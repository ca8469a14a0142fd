"""A complete arm that lost a file: it is named, put back where that can be, else said how."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.experiments import ArmConfig, Study, Supervision
from rlskills.runs.ended import faults
from rlskills.runs.folder import RunFolder

from ..harm import cut, flip
from ..training.small import small_study, stream
from .two_arms import SFT, run, study

RECORD = "record.json.gz"


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished study, to be harmed."""
    return Path(shutil.copytree(finished, tmp_path / "out"))


def contents(folder: Path) -> dict[str, Any]:
    """All files but events, which hold times and are named by them; manifests without seals."""
    found: dict[str, Any] = {}
    for file in (path for path in folder.rglob("*") if path.is_file()):
        name = str(file.relative_to(folder))
        if "tensorboard" in name:
            found[str(Path(name).parent)] = True
        elif file.name == "run.json":
            value = json.loads(file.read_text())
            found[name] = {key: item for key, item in value.items() if key != "sealed"}
        elif file.name in (RECORD, "config.yaml"):  # the path of the output is in the second
            found[name] = True
        else:
            found[name] = file.read_bytes()
    return found


def test_a_complete_run_is_sealed(finished: Path, small_model: Path):
    for arm in ("base", "child"):
        found = RunFolder.read(finished / "seed0" / arm)
        names = {name.split("/")[0] for name in found.manifest["sealed"]}
        assert names == {"model", "evaluation.json", "metrics.jsonl", "tensorboard"}
        assert faults(found) == {}


HARMS = [flip, cut, Path.unlink, lambda file: file.write_bytes(b"\xff"),
         lambda file: file.write_text("[]")]  # fmt: skip


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", ["evaluation.json", "metrics.jsonl"])
def test_what_the_record_has_is_put_back(
    name: str, harm: Callable[[Path], Any], out: Path, finished: Path, small_model: Path
):
    harm(out / "seed0/child" / name)
    said = run(study(small_model), out)
    assert f"{out}/seed0/child/{name}" in said
    assert "put back from record.json.gz" in said
    assert contents(out) == contents(finished)
    assert "put back" not in run(study(small_model), out)


@pytest.mark.parametrize("harm", [flip, Path.unlink])
def test_an_evaluation_is_made_again_by_the_weights(
    harm: Callable[[Path], Any], out: Path, finished: Path, small_model: Path
):
    (out / "seed0/child" / RECORD).unlink()
    harm(out / "seed0/child/evaluation.json")
    said = run(study(small_model), out)
    assert "child/evaluation.json" in said
    assert "asked again of its weights" in said
    assert contents(out) == contents(finished)
    assert run(study(small_model), out).count("\n") == 3


def test_without_evaluation_record_and_weights_it_is_trained_again(
    out: Path, finished: Path, small_model: Path
):
    child = out / "seed0/child"
    cut(child / RECORD)
    cut(child / "evaluation.json")
    cut(child / "model/model.safetensors")
    said = run(study(small_model), out)
    assert f"{child}/model/model.safetensors has changed since it was written; made anew" in said
    assert f"{child / RECORD}: damaged, ignored" in said
    before, after = (contents(folder) for folder in (finished, out))
    same = [name for name in before if not name.endswith(("metrics.jsonl", "run.json"))]
    assert [before[name] == after[name] for name in same] == [True] * len(same)


@pytest.mark.parametrize("arm", ["base", "child"])
@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
def test_tables_stand_without_weights_that_nothing_needs(
    harm: Callable[[Path], Any], arm: str, out: Path, small_model: Path
):
    weights = out / "seed0" / arm / "model/model.safetensors"
    harm(weights)
    said = run(study(small_model), out)
    assert said.count("complete, reused") == 2
    assert f"{weights} " in said
    assert f"its tables stand; remove {out}/seed0/{arm} to train it again" in said
    other = "child" if arm == "base" else "base"
    assert f"remove {out}/seed0/{other}" not in said


def test_damaged_weights_that_another_arm_needs_are_trained_again(out: Path, small_model: Path):
    shutil.rmtree(out / "seed0/child")
    weights = out / "seed0/base/model/model.safetensors"
    whole = weights.read_bytes()
    flip(weights)
    said = run(study(small_model), out)
    assert f"{weights} has changed since it was written; child starts from its weights" in said
    assert weights.read_bytes() == whole


def test_events_are_written_again(out: Path, small_model: Path):
    events = out / "seed0/child/tensorboard"
    cut(next(events.glob("events*")))
    assert "written again from metrics.jsonl" in run(study(small_model), out)
    assert faults(RunFolder.read(out / "seed0/child")) == {}
    shutil.rmtree(events)
    run(study(small_model), out)
    assert next(events.glob("events*"))
    assert next(events.glob("final/events*"))


def test_a_damaged_record_of_an_arm_is_written_again(out: Path, finished: Path, small_model: Path):
    cut(out / "seed0/child" / RECORD)
    assert "record.json.gz is damaged, or of another run: written" in run(study(small_model), out)
    name = Path("seed0/child") / RECORD
    assert (out / name).read_bytes() == (finished / name).read_bytes()


def test_a_damaged_record_of_steps_without_a_copy_says_how_to_go_on(out: Path, small_model: Path):
    child = out / "seed0/child"
    (child / RECORD).unlink()
    lines = (child / "metrics.jsonl").read_text().splitlines()
    (child / "metrics.jsonl").write_text("\n".join([lines[0], "garbage", *lines[2:]]) + "\n")
    with pytest.raises(UserError) as caught:
        run(study(small_model), out)
    assert f"{child}/metrics.jsonl has changed since it was written, and no" in str(caught.value)
    assert f"remove {child}/metrics.jsonl to go on without" in str(caught.value)
    (child / "metrics.jsonl").unlink()
    said = run(study(small_model), out)
    assert f"{child}/metrics.jsonl is missing: its tables stand" in said


def test_runs_of_earlier_versions_are_judged_by_what_they_hold(
    out: Path, finished: Path, small_model: Path
):
    for arm in ("base", "child"):
        run_folder = RunFolder.read(out / "seed0" / arm)
        del run_folder.manifest["sealed"]
        run_folder.save()
        (run_folder.path / RECORD).unlink()
    assert run(study(small_model), out).count("\n") == 3  # complete, reused
    (out / "seed0/child/evaluation.json").write_text('{"eval_sets": [3]}')
    shutil.rmtree(out / "seed0/base/model")
    said = run(study(small_model), out)
    assert "child/evaluation.json is damaged: in an eval set it is not a JSON object" in said
    assert f"{out}/seed0/base/model is missing: its tables stand" in said
    name = "seed0/child/evaluation.json"
    assert (out / name).read_bytes() == (finished / name).read_bytes()


def test_a_measured_arm_without_evaluation_is_measured_again(small_model: Path, tmp_path: Path):
    made: Study = small_study(ArmConfig("base", Supervision.STEPS), model=str(small_model))
    run(made, tmp_path)
    file = tmp_path / "seed0/base/evaluation.json"
    whole = file.read_bytes()
    file.unlink()
    (tmp_path / "seed0/base" / RECORD).unlink()
    assert "evaluation.json is missing; made anew" in run(made, tmp_path)
    assert file.read_bytes() == whole


def test_a_model_that_changed_under_a_study_is_named(small_model: Path, tmp_path: Path):
    model = Path(shutil.copytree(small_model, tmp_path / "model"))
    only = small_study(ArmConfig("base", Supervision.STEPS, SFT, stream), model=str(model))
    run(only, tmp_path / "out")
    flip(model / "model.safetensors")
    with pytest.raises(UserError) as caught:
        run(only, tmp_path / "out")
    assert f"started from another {model} than there is now" in str(caught.value)
    assert "remove" not in str(caught.value)
