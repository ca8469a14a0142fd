"""Worked steps in completions: read exactly, in any text, in linear time, and across processes."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments import GraderError, StepScore, Task, load

SPECS = (
    "string_transform?preset=tiny&functions=train", "string_transform", "string_row",
    "string_transform?preset=paper&functions=all", "arithmetic", "arithmetic?preset=tiny",
    "arithmetic?operation=multiply&preset=tiny&reversed=true", "arithmetic?operation=chain",
    "lego", "lego?preset=tiny&group=s3", "lego?group=z7", "procedure", "procedure?preset=tiny",
    "procedure?kind=list", "hierarchy", "hierarchy?preset=tiny",
)  # fmt: skip


@pytest.mark.parametrize("spec", SPECS)
def test_a_solution_has_all_its_steps(spec: str):
    env = load(spec)
    for level in (1, 2, 4):
        for index in range(20):
            task = env.task("train", level, index)
            text = env.solution(task)
            score = env.score(task, text)
            assert [step.correct for step in score.steps] == [True] * env.step_count(task), text
            assert env.step_count(task) >= level


def test_spans_of_the_tiny_notation():
    env = load("string_transform?preset=tiny&functions=train")
    task = env.task("train", 2, 0)
    (first, one), (second, two) = task.data["steps"]
    text = f"{first}={one};{second}={one}x;#{two}"
    score = env.score(task, text)
    assert [text[step.start : step.end] for step in score.steps] == [
        f"{first}={one}", f"{second}={one}x",
    ]  # fmt: skip
    assert [step.correct for step in score.steps] == [True, False]
    assert score.correct  # the answer is, though a step is not


@pytest.mark.parametrize(
    ("spec", "mark"),
    [("string_transform?preset=tiny&functions=train", "="), ("string_transform", " = "),
     ("arithmetic", "="), ("lego", " = "), ("hierarchy", " is "), ("procedure?preset=tiny", "")],
)  # fmt: skip
def test_where_a_value_begins(spec: str, mark: str):
    env = load(spec)
    for index in range(20):
        task = env.task("train", 2, index)
        text = env.solution(task)
        wrong = text.replace(mark, mark + "x") if mark else text
        for written in (text, wrong):
            for step in env.score(task, written).steps:
                assert step.value is not None
                call, value = written[step.start : step.value], written[step.value : step.end]
                assert value
                assert call.endswith(mark)
                assert bool(call) == bool(mark)


@pytest.mark.parametrize("spec", SPECS)
def test_steps_out_of_order_earn_nothing(spec: str):
    env = load(spec)
    end = "/" if spec == "procedure?preset=tiny" else ";" if "#" in env.answer_only(
        env.task("train", 2, 0)) else "\n"  # fmt: skip
    tried = 0
    for index in range(30):
        task = env.task("train", 3, index)
        text = env.solution(task)
        first, second, *_ = env.score(task, text).steps
        one, two = text[first.start : first.end], text[second.start : second.end]
        swapped = text[: first.start] + two + text[first.end : second.start] + one + end
        if one.split("=")[-1].split()[-1] == two.split("=")[-1].split()[-1]:
            continue
        tried += 1
        assert not env.score(task, swapped, truncated=True).steps[0].correct, swapped
    assert tried


def test_a_step_that_was_cut_off_is_none():
    env = load("string_transform?preset=tiny&functions=train")
    task = env.task("train", 3, 0)
    whole = env.solution(task)
    ends = [step.end for step in env.score(task, whole).steps]
    for cut in range(len(whole)):
        steps = env.score(task, whole[:cut], truncated=True).steps
        assert all(step.correct for step in steps)
        assert len(steps) == sum(end < cut for end in ends)


def test_values_that_look_like_steps():
    env = load("string_transform")
    task = env.task("train", 1, 0)
    call, _ = task.data["steps"][0]
    odd = Task(**{name: getattr(task, name) for name in Task.__slots__} | {
        "data": {**task.data, "steps": [[call, "a = 'b'"]]}, "answer": "a = 'b'"})  # fmt: skip
    assert [step.correct for step in env.score(odd, env.solution(odd)).steps] == [True]
    wrong = f"Let me think = hard\n{call} = 'b'\n{{}}"
    assert [step.correct for step in env.score(odd, wrong).steps] == [False]


@given(st.text(alphabet="F04(abc)=;#\n 'func_{}\"output:<answer>>^.-+1/", max_size=200))
def test_any_text_gives_spans_in_order(text: str):
    for env, task in tasks():
        behind = 0
        for step in env.score(task, text).steps:
            assert behind <= step.start < step.end <= len(text)
            behind = step.end


def tasks(known: list = []):  # noqa: B006
    if not known:
        known += [(env, env.task("train", 2, 0)) for env in map(load, SPECS)]
    return known


@pytest.mark.parametrize("spec", SPECS)
def test_long_texts_take_linear_time(spec: str):
    env = load(spec)
    task = env.task("train", 2, 0)
    solution = env.solution(task)
    step = solution[: env.score(task, solution).steps[0].end]
    rng = random.Random(0)
    for piece in (step + ";", step + "\n", "F0(a)=", "'", "1+", "a=", "1. ", "/", " ", ";", "\n",
                  "F", "The ", "func_1", "9"):  # fmt: skip
        text = piece * (1_000_000 // len(piece))
        start = time.process_time()
        steps = env.score(task, text + rng.choice("#\n")).steps
        assert time.process_time() - start < 0.5, piece
        assert len(steps) <= env.step_count(task) + 16


FILE = """
from rlskills.environments import Draft, Environment, StepScore


class Told(Environment):
    trusted_grader = False

    def make(self, rng, cfg):
        return Draft(str(rng.random()), "1", data={"spans": [[0, 2, True], [2, 5, False, 4]]})

    def steps(self, task, completion):
        if completion == "bad":
            return [StepScore(2, 5, True)]
        if completion == "back":
            return [StepScore(1, 3, True), StepScore(0, 2, True)]
        if completion == "far":
            return [StepScore(0, 2, True, 3)]
        return [StepScore(*span) for span in task.data["spans"]]
"""


def test_steps_cross_the_boundary_of_a_worker(tmp_path: Path):
    path = tmp_path / "told.py"
    path.write_text(FILE)
    env = load(f"{path}:Told")
    task = env.task("train", 1, 0)
    texts = ["<answer>1</answer>", "bad", "back", "far"]
    good, bad, back, far = env.scores([task] * 4, texts)
    assert good.steps == (StepScore(0, 2, True), StepScore(2, 5, False, 4))
    assert bad.failed
    assert far.failed
    assert "the value of" in far.note
    assert back.failed
    assert "outside the completion" in bad.note
    env.trusted_grader = True
    assert env.score(task, "<answer>1</answer>") == good
    with pytest.raises(GraderError, match="out of order"):
        env.score(task, "back")
