"""What a user is told of gradings that failed: a line for each kind, once."""

from __future__ import annotations

from rlskills.environments import Score
from rlskills.environments.failures import LONGEST, GradingFailures, failure_of


def test_each_kind_is_told_once_with_its_first_text():
    said: list[str] = []
    failures = GradingFailures(said.append)
    texts = ["the grader of x raised RuntimeError: boom", "the grader took over 2 s",
             "the grader of x raised RuntimeError: again"]  # fmt: skip
    failures.tell(texts, 16, "train/grader_failures")
    failures.tell(["the grader took over 2 s"] * 3, 16, "train/grader_failures")
    failures.tell([], 16, "train/grader_failures")
    assert said == [
        "grading failed for 2 of 16 completions: the grader of x raised RuntimeError: boom "
        "(train/grader_failures)",
        "grading failed for 1 of 16 completions: the grader took over 2 s (train/grader_failures)",
    ]


def test_a_failure_is_one_line_of_bounded_length():
    note = "the grader of x raised ValueError: [bold]\ud800" + "y" * 1000 + "\n  task: {}"
    line = failure_of(Score.failure("grader_error", note))
    assert line.startswith("the grader of x raised ValueError: [bold]\\ud800")
    assert len(line) == LONGEST
    assert failure_of(Score.failure("grader_timeout", "")) == "grader_timeout"
    assert failure_of(Score(True, 1.0, {}, "ok", "x")) == ""
