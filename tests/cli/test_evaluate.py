"""Tables and refusals of `rlskills eval`; what it does with a model is in test_main.py."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from rlskills.cli import entry as cli
from rlskills.cli.evaluate import level_table, skill_table
from rlskills.console import Console
from rlskills.stats import wilson
from rlskills.tables import print_table


def task(greedy: bool, correct: int, samples: int = 64, status: str = "correct") -> dict[str, Any]:
    failed = status.startswith("grader")
    return {"greedy": greedy, "status": status, "samples": samples, "correct": correct,
            "grader_failures": int(failed)}  # fmt: skip


def record(level: int, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"group": "say", "level": level, "split": "composition_held_out", "tasks": tasks}


def test_a_row_per_level_with_intervals_fits_eighty_columns():
    records = [record(1, [task(True, 64), task(False, 0)] * 64), record(12, [task(True, 3)] * 128)]
    header, rows = level_table(records, samples=64)
    assert header == ["level", "split", "problems", "greedy", "pass@1", "pass@64"]
    assert rows[0][:4] == ["1", "composition_held_out", "128", str(wilson(64, 128))]
    console = Console(width=80, file=io.StringIO())
    print_table(console, header, rows, keys=2)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, shown.splitlines())) <= 80
    for cell in rows[1]:
        assert cell in shown, "no cell is cut or broken over lines"


def test_one_sample_is_one_column_and_none_is_none():
    assert level_table([record(1, [task(True, 1, 1)])], 1)[0][-2:] == ["greedy", "pass@1"]
    assert level_table([record(1, [task(True, 0, 0)])], 0)[0][-1] == "greedy"


def test_failed_gradings_are_counted_and_are_neither_right_nor_wrong():
    failed = task(False, 0, samples=0, status="grader_error")
    header, rows = level_table([record(1, [task(True, 4, 4), failed]), record(2, [failed])], 4)
    assert header[2:4] == ["problems", "failed gradings"]
    assert rows[0][2:5] == ["1", "1", str(wilson(1, 1))]
    assert rows[1][2:] == ["0", "1", "-", "-", "-"]


def test_skills_have_rows():
    assert skill_table({"f": (1, 2)})[1] == [["f", "2", str(wilson(1, 2))]]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--levels",), "--levels needs"),
        (("--levels", "1", "1"), "twice"),
        (("--samples", "2", "--temperature", "0"), "--temperature must be"),
        (("--temperature", "nan"), "--temperature must be"),
        (("--temperature", "inf"), "--temperature must be"),
        (("--temperature", "-1"), "--temperature must be"),
        (("--max-new-tokens", "0"), "--max-new-tokens"),
        (("--tasks", "0"), "--tasks"),
        (("--samples", "-1"), "--samples"),
    ],
)
def test_numbers_that_mean_nothing_are_refused_before_a_model_is_loaded(
    capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], words: str
):
    with pytest.raises(SystemExit) as error:
        cli.main(["eval", "no/such/model", "--env", "string_transform?preset=tiny", *flags])
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert words in printed


TINY = "string_transform?preset=tiny&functions=train"


def test_every_engine_answers_and_one_that_cannot_is_named(small_model, tmp_path, capsys):
    """Greedy answers are the same whatever samples; vLLM, asked for in vain, gives way."""
    found = {}
    for engine in ("auto", "transformers", "vllm"):
        output = tmp_path / f"{engine}.json"
        words = ["eval", str(small_model), "--env", TINY, "--levels", "1", "--tasks", "3"]
        words += ["--max-new-tokens", "8", "--engine", engine, "--output", str(output)]
        cli.main(words)
        found[engine] = json.loads(output.read_text())["eval_sets"]
    assert found["auto"] == found["transformers"] == found["vllm"]
    said = capsys.readouterr().err
    assert "vllm is not installed" in said or "vllm needs a CUDA GPU" in said
    with pytest.raises(SystemExit) as end:
        cli.main(["eval", str(small_model), "--env", TINY, "--engine", "vlm"])
    assert end.value.code == 2
    assert "did you mean 'vllm'" in capsys.readouterr().err


def test_a_split_of_ones_own_is_asked(small_model, tmp_path):
    output = tmp_path / "train.json"
    cli.main(["eval", str(small_model), "--env", TINY, "--levels", "2", "--tasks", "2",
              "--max-new-tokens", "4", "--split", "train", "--output", str(output)])  # fmt: skip
    (record,) = json.loads(output.read_text())["eval_sets"]
    assert (record["group"], record["split"], len(record["tasks"])) == ("train", "train", 2)
