"""An evaluation in parts: on one process or two, killed in between, gone on with elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from rlskills.cli import entry as cli
from rlskills.environments import digest
from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import EvalConfig
from rlskills.experiments import eval_parts
from rlskills.experiments.eval_parts import PartFolder, parts_of

from ..training.small import Bits

ROOT = Path(__file__).parents[2]
WORDS = ["--env", f"{ROOT / 'tests/training/small.py'}:Bits", "--levels", "1", "2", "--tasks", "60"]
WORDS += ["--max-new-tokens", "4", "--machine.threads", "1", "--machine.attention", "eager"]
SAMPLES = 300
"""Parts of 1,024 completions have three tasks each then."""


def test_parts_hold_every_task_once():
    eval_sets = make_eval_sets({"bits": Bits()}, (1, 2), 12)
    parts = parts_of(eval_sets, EvalConfig(4, SAMPLES))
    assert [(part.which, part.start) for part in parts] == [
        (which, start) for which in (0, 1) for start in (0, 3, 6, 9)
    ]
    assert [t for part in parts for t in part.asked.tasks] == [
        t for each in eval_sets for t in each.tasks
    ]
    assert len(parts_of(eval_sets, EvalConfig(4))) == 2
    assert len(parts_of(eval_sets, EvalConfig(4, 10**6))) == 24


def test_a_torn_part_is_answered_again_and_other_questions_are_refused(tmp_path: Path):
    (part, *_) = parts_of(make_eval_sets({"bits": Bits()}, (1,), 3), EvalConfig(4))
    folder = PartFolder(tmp_path / "out.json", {"model": "a"})
    folder.begin()
    outcomes: list[dict[str, Any]] = [{"key": task.key} for task in part.asked.tasks]
    folder.write(part, outcomes)
    assert PartFolder(tmp_path / "out.json", {"model": "a"}).read(part) == outcomes
    (file,) = (path for path in folder.path.iterdir() if path.name == part.file)
    text = file.read_text()
    fewer = json.dumps({"digest": digest(outcomes[:2]), "tasks": outcomes[:2]})
    for torn in ("", "[", "{}", "[1]", json.dumps(outcomes), fewer, text.replace('"key"', '"kez"'),
                 "\xff", "[" * 10**5):  # fmt: skip
        file.write_text(torn, "latin-1")
        assert folder.read(part) is None
    folder.write(part, outcomes)
    (folder.path / "about.json").write_text("{")
    unknown = PartFolder(tmp_path / "out.json", {"model": "a"})
    assert unknown.read(part) is None, "nobody knows what evaluation it is of"
    unknown.begin()
    assert unknown.read(part) is None
    folder.write(part, outcomes)
    assert PartFolder(tmp_path / "out.json", {"model": "a"}).read(part) == outcomes
    with pytest.raises(UserError, match="another evaluation \\(model: a there, b now\\)"):
        PartFolder(tmp_path / "out.json", {"model": "b"})


def words(model: Path, output: Path) -> list[str]:
    return ["eval", str(model), *WORDS, "--samples", str(SAMPLES), "--output", str(output)]


def launched(model: Path, output: Path, processes: int) -> subprocess.Popen[str]:
    """The command on several processes."""
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
    start += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "127.0.0.1:0"]
    paths = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        [*start, "-m", "rlskills", *words(model, output)], env=os.environ | paths,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_two_processes_answer_what_one_does_and_go_on_after_a_kill(
    half_trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    cli.main(words(half_trained, one))
    alone = capsys.readouterr()
    assert alone.err.count("\n") == 1
    assert "evaluating: 120/120" in alone.err
    group = launched(half_trained, two, 2)
    parts = tmp_path / "two.json.parts"
    until = time.monotonic() + 120
    while not list(parts.glob("?-*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    # The launcher gives each worker a session of its own.
    for process in [psutil.Process(group.pid), *psutil.Process(group.pid).children(recursive=True)]:
        process.kill()
    said = group.communicate()[1]
    done = {file.name: file.read_bytes() for file in parts.glob("?-*.json")}
    assert 0 < len(done) < 40, said
    again = launched(half_trained, two, 2)
    shown, said = again.communicate(timeout=200)
    assert again.returncode == 0, said
    assert json.loads(two.read_text())["eval_sets"] == json.loads(one.read_text())["eval_sets"]
    assert shown == alone.out  # one table, though there are two processes
    assert not parts.exists()


def test_a_kill_on_two_processes_is_gone_on_with_on_one(
    half_trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    cli.main(words(half_trained, one))
    asked, allowed = [], [5]
    answer = eval_parts._answer

    def counted(loaded: Any, part: Any, *more: Any) -> Any:
        if len(asked) == allowed[0]:
            raise KeyboardInterrupt
        asked.append((part.which, part.start))
        return answer(loaded, part, *more)

    monkeypatch.setattr(eval_parts, "_answer", counted)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        cli.main(words(half_trained, two))
    first = list(asked)
    asked.clear()
    allowed[0] = 40
    cli.main(words(half_trained, two))
    assert len(first) == 5
    assert sorted(first + asked) == [(i, start) for i in (0, 1) for start in range(0, 60, 3)]
    assert json.loads(two.read_text())["eval_sets"] == json.loads(one.read_text())["eval_sets"]
