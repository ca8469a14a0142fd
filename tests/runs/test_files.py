from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rlskills.errors import UserError
from rlskills.runs.files import parsed, read_evaluation
from rlskills.runs.study_file import StudyFile, read_study_file

BYTES = [b"", b"{", b"\xff", b"\0\0", b"[" * 10**5]


@pytest.mark.parametrize("data", BYTES)
def test_bytes_that_say_nothing_are_a_value_error(data: bytes):
    with pytest.raises(ValueError, match=r"."):
        parsed(data)


TASK = {"key": "a", "greedy": True}
SET = {"group": "a", "level": 1, "tasks": [TASK]}
EVALUATIONS: list[Any] = [
    [], 3, {}, {"eval_sets": {}}, {"eval_sets": [3]}, {"eval_sets": [{**SET, "tasks": 3}]},
    {"eval_sets": [{**SET, "group": None}]}, {"eval_sets": [{**SET, "tasks": [[]]}]},
    {"eval_sets": [{**SET, "tasks": [TASK, {"key": "b"}]}]},
]  # fmt: skip


@pytest.mark.parametrize("data", [*BYTES, *(json.dumps(each).encode() for each in EVALUATIONS)])
def test_an_evaluation_of_another_kind_is_damaged(data: bytes, tmp_path: Path):
    file = tmp_path / "evaluation.json"
    file.write_bytes(data)
    with pytest.raises(UserError) as caught:
        read_evaluation(file)
    assert str(caught.value).startswith(f"{file} is damaged: ")
    assert "the command that made it puts it back" in str(caught.value)


def test_a_missing_evaluation_is_said_to_be(tmp_path: Path):
    with pytest.raises(UserError, match="is missing"):
        read_evaluation(tmp_path / "evaluation.json")
    (tmp_path / "evaluation.json").write_text(json.dumps({"eval_sets": [SET]}))
    assert read_evaluation(tmp_path / "evaluation.json")["eval_sets"] == [SET]


STUDY = StudyFile("grpo", "Does it?", "rlskills run grpo", (0, 1), {"base": ""}, 2.5)


@pytest.mark.parametrize(
    "data",
    [
        *BYTES,
        b"[]",
        b"3",
        b"{}",
        b'{"name": "a", "title": "b", "command": "c", "seeds": '
        b'[Infinity], "starts": {}, "minutes": 1}',
    ],
)
def test_a_damaged_study_file_is_one_line_and_written_anew(data: bytes, tmp_path: Path):
    (tmp_path / "study.json").write_bytes(data)
    with pytest.raises(UserError, match=r"cannot understand .*study\.json: .*writes it anew"):
        read_study_file(tmp_path)
    STUDY.save(tmp_path)
    assert read_study_file(tmp_path) == STUDY
