"""Files that are not what they should be, on the real command: named, and put back or got round."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..harm import cut, flip
from .command import environment, records, result, run, start, wait_for
from .test_ends import one_line

pytestmark = pytest.mark.torture
GRPO, BASE = Path("out/seed0/grpo"), Path("out/seed0/base")
Harm = Callable[[Path], Any]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Base complete, RL killed behind its record of step 10, with checkpoints 6 and 9."""
    folder = tmp_path_factory.mktemp("killed")
    process = start(folder)
    wait_for(lambda: records(folder / GRPO) > 10, process)
    process.kill()
    process.communicate()
    found = {path.name for path in (folder / GRPO / "checkpoints").glob("checkpoint-*")}
    assert found == {"checkpoint-6", "checkpoint-9"}
    return folder


def copy(made: Path, folder: Path) -> Path:
    shutil.copytree(made / "out", folder / "out")
    return folder


def again(folder: Path, undisturbed: dict[str, Any], *said: str) -> None:
    """The command, which says something in a line and ends as if nothing had happened."""
    status, shown, errors = run(folder)
    assert status == 0, errors
    assert "Traceback" not in errors
    for text in said:
        assert text in shown.replace("\n", "") + errors.replace("\n", "")
    assert result(folder / "out") == undisturbed


def written(text: str) -> Harm:
    return lambda file: file.write_bytes(text.encode("latin-1"))


def line(number: int, text: str | None) -> Harm:
    """In place of a line, or without it."""

    def harm(file: Path) -> None:
        lines = file.read_bytes().split(b"\n")
        lines[number : number + 1] = [] if text is None else [text.encode("latin-1")]
        file.write_bytes(b"\n".join(lines))

    return harm


def to(number: int) -> Harm:
    """The first lines only."""
    return lambda file: file.write_bytes(
        b"\n".join(file.read_bytes().split(b"\n")[:number]) + b"\n"
    )


def ends(text: str) -> Harm:
    return lambda file: file.write_bytes(file.read_bytes() + text.encode("latin-1"))


@pytest.mark.parametrize("text", ["[]", "{}", "3", '{"a": 1}', '"\xff"', "[" * 10**5])
def test_a_seal_that_seals_nothing(text: str, killed: Path, tmp_path: Path, undisturbed: Any):
    newest = copy(killed, tmp_path) / GRPO / "checkpoints/checkpoint-9"
    (newest / "seal.json").write_bytes(text.encode("latin-1"))
    cut(newest / "model.safetensors")
    again(tmp_path, undisturbed, "checkpoint-9 is damaged: its seal", "using the one before")


TORN = [ends('{"step": 10, "x": "\xff"}\n'), ends('{"step": 11, '), ends("\0" * 300)]
LOST = [to(4), Path.unlink, line(5, None), line(5, "garbage"), line(5, "\0\0\0"), line(3, "\xff"),
        line(3, "[]"), line(3, '{"step": 3}'), written(""), flip]  # fmt: skip


@pytest.mark.parametrize("harm", TORN)
def test_a_torn_end_of_a_record(harm: Harm, killed: Path, tmp_path: Path, undisturbed: Any):
    harm(copy(killed, tmp_path) / GRPO / "metrics.jsonl")
    again(tmp_path, undisturbed)


@pytest.mark.parametrize("harm", LOST)
def test_a_record_with_a_gap_is_put_back(
    harm: Harm, killed: Path, tmp_path: Path, undisturbed: Any
):
    harm(copy(killed, tmp_path) / GRPO / "metrics.jsonl")
    again(tmp_path, undisturbed, ": put back from checkpoint-9")


def test_a_gap_that_no_checkpoint_fills_begins_where_the_record_is_whole(
    killed: Path, tmp_path: Path, undisturbed: Any
):
    """Checkpoints of earlier versions hold no copy of the record."""
    folder = copy(killed, tmp_path) / GRPO
    for seal in folder.glob("checkpoints/*/seal.json"):
        sealed = json.loads(seal.read_text())
        del sealed["metrics.jsonl"]
        (seal.parent / "metrics.jsonl").unlink()
        seal.write_text(json.dumps(sealed))
    to(8)(folder / "metrics.jsonl")
    again(tmp_path, undisturbed, "checkpoint-9 has no copy of it: going on from what is before it")


def test_a_damaged_rollout_log_does_not_stop_a_run(killed: Path, tmp_path: Path):
    line(20, "garbage")(copy(killed, tmp_path) / GRPO / "rollouts.jsonl")
    status, shown, errors = run(tmp_path)
    assert status == 0, errors
    assert "rollouts.jsonl has no whole line behind step" in shown.replace("\n", "")


BROKEN = ["[]", "{}", "", "{", "\xff", '{"arm": "grpo"}', '{"arm": 3, "status": [], "config": 1}']


@pytest.mark.parametrize("text", BROKEN)
def test_a_damaged_manifest_says_how_to_go_on(
    text: str, killed: Path, tmp_path: Path, undisturbed: Any
):
    file = copy(killed, tmp_path) / GRPO / "run.json"
    file.write_bytes(text.encode("latin-1"))
    status, _, errors = run(tmp_path)
    assert status == 2
    said = one_line(errors)
    assert "grpo/run.json is damaged: " in said
    assert "remove that file and repeat the command" in said
    if text == "[]":
        file.unlink()
        again(tmp_path, undisturbed)


@pytest.mark.parametrize("name", ["study.json", "config.yaml"])
def test_what_a_study_says_of_itself_is_written_anew(
    name: str, complete: Path, tmp_path: Path, undisturbed: Any
):
    (copy(complete, tmp_path) / "out" / name).write_bytes(b"\xff[" * 10**4)
    again(tmp_path, undisturbed)


@pytest.mark.parametrize("arm", ["base", "grpo"])
@pytest.mark.parametrize("harm", [Path.unlink, cut, flip, written("[]"), written("\xff")])
@pytest.mark.parametrize("name", ["evaluation.json", "metrics.jsonl"])
def test_what_a_complete_arm_lost_comes_from_its_record(
    name: str, harm: Harm, arm: str, complete: Path, tmp_path: Path, undisturbed: Any
):
    harm(copy(complete, tmp_path) / "out/seed0" / arm / name)
    again(tmp_path, undisturbed, f"{arm}/{name} ", "put back from record.json.gz")


@pytest.mark.parametrize("arm", ["base", "grpo"])
def test_an_evaluation_is_asked_again(arm: str, complete: Path, tmp_path: Path, undisturbed: Any):
    folder = copy(complete, tmp_path) / "out/seed0" / arm
    cut(folder / "record.json.gz")
    cut(folder / "evaluation.json")
    again(tmp_path, undisturbed, f"{arm}/evaluation.json has changed", "asked again of its weights")


@pytest.mark.parametrize("harm", [cut, Path.unlink])
def test_events_are_written_again(harm: Harm, complete: Path, tmp_path: Path, undisturbed: Any):
    harm(next((copy(complete, tmp_path) / GRPO / "tensorboard").glob("events*")))
    again(tmp_path, undisturbed, "written again from metrics.jsonl")


@pytest.mark.parametrize("arm", ["base", "grpo"])
@pytest.mark.parametrize("harm", [flip, cut, lambda file: shutil.rmtree(file.parent)])
def test_weights_that_nothing_needs(harm: Harm, arm: str, complete: Path, tmp_path: Path):
    harm(copy(complete, tmp_path) / "out/seed0" / arm / "model/model.safetensors")
    status, shown, errors = run(tmp_path)
    shown = shown.replace("\n", "")
    assert (status, errors.count("Traceback")) == (0, 0)
    assert f"out/seed0/{arm}/model/" in shown
    assert f"its tables stand; remove out/seed0/{arm} to train it again" in shown
    assert shown.count("remove ") == 1


@pytest.mark.parametrize("harm", [flip, cut, lambda file: shutil.rmtree(file.parent)])
@pytest.mark.parametrize("under_way", [True, False])
def test_weights_that_another_arm_needs(
    harm: Harm, under_way: bool, killed: Path, tmp_path: Path, undisturbed: Any
):
    harm(copy(killed, tmp_path) / BASE / "model/model.safetensors")
    if not under_way:
        shutil.rmtree(tmp_path / GRPO)
    again(tmp_path, undisturbed, "grpo starts from its weights: made anew")


@pytest.mark.parametrize("harm", [flip, cut, lambda file: shutil.rmtree(file.parent)])
def test_an_untrained_model_is_made_again(harm: Harm, tmp_path: Path, undisturbed: Any):
    process = start(tmp_path)
    wait_for(lambda: records(tmp_path / BASE) > 3, process)
    process.kill()
    process.communicate()
    harm(tmp_path / "out/seed0/untrained/model.safetensors")
    again(tmp_path, undisturbed)


def test_other_weights_than_an_arm_under_way_began_with(killed: Path, tmp_path: Path):
    folder = copy(killed, tmp_path) / BASE
    flip(folder / "model/model.safetensors")
    manifest = json.loads((folder / "run.json").read_text())
    del manifest["sealed"]  # of an earlier version
    (folder / "run.json").write_text(json.dumps(manifest))
    status, _, errors = run(tmp_path)
    assert status == 2
    assert "base/model holds other weights than out/seed0/grpo started from" in one_line(errors)


def compare(folder: Path, *more: str, **options: Any) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "rlskills", "compare", "out", "--json", *more]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True,
                          check=False, **options)  # fmt: skip
    return done.returncode, done.stdout, done.stderr


COMPARED = [
    ("evaluation.json", flip, "evaluation.json has changed since it was written"),
    ("evaluation.json", cut, "grpo/evaluation.json"),
    ("metrics.jsonl", line(5, "garbage"), "metrics.jsonl has changed since it was written"),
    ("run.json", written("[]"), "run.json: not a JSON object"),
    ("run.json", written("\xff"), "cannot read out/seed0/grpo/run.json"),
]


@pytest.mark.parametrize(("name", "harm", "said"), COMPARED)
def test_compare_names_a_damaged_file(
    name: str, harm: Harm, said: str, complete: Path, tmp_path: Path
):
    harm(copy(complete, tmp_path) / GRPO / name)
    status, _, errors = compare(tmp_path)
    assert status == 2
    assert said in one_line(errors)


def test_compare_notes_what_is_not_there(complete: Path, tmp_path: Path):
    grpo = copy(complete, tmp_path) / GRPO
    (grpo / "metrics.jsonl").unlink()
    status, shown, _ = compare(tmp_path)
    assert status == 0
    assert "metrics.jsonl is missing: curves are not whole" in shown
    (grpo / "evaluation.json").unlink()
    status, shown, _ = compare(tmp_path)
    assert status == 0
    assert "grpo has lost its evaluation.json" in shown


def test_compare_of_unreadable_parts(complete: Path, tmp_path: Path):
    """As a user without privileges, whom permissions bind."""
    grpo = copy(complete, tmp_path) / GRPO
    nobody: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}
    for place in (tmp_path, *tmp_path.parents):
        if place.owner() == "root" and len(place.parts) > 2:
            place.chmod(place.stat().st_mode | 0o055)
    try:
        first = compare(tmp_path, **nobody)
    except PermissionError:
        pytest.skip("needs the right to be another user")
    if first[0]:
        pytest.skip(f"this Python is not everyone's: {first[2][-200:]}")
    for mode, said in ((0o000, "cannot list out/seed0/grpo: permission denied"), (0o444, None)):
        grpo.chmod(mode)
        status, shown, errors = compare(tmp_path, **nobody)
        if said:
            assert (status, said in shown) == (0, True), errors
        else:
            assert status == 2
            assert "permission denied" in one_line(errors)
    grpo.chmod(0o755)
    for name in ("metrics.jsonl", "evaluation.json", "run.json"):
        (grpo / name).chmod(0)
        status, _, errors = compare(tmp_path, **nobody)
        (grpo / name).chmod(0o644)
        assert status == 2
        assert f"{name}" in one_line(errors)
        assert "permission denied" in errors
