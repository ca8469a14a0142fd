"""Tasksets of verifiers as environments of ours, and ours as tasksets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rlskills.environments import load
from rlskills.errors import UserError

pytest.importorskip("verifiers", reason="the extra `verifiers` is not installed")

TASKSET = """
import verifiers.v1 as vf

class LengthData(vf.TaskData):
    answer: str

class LengthTask(vf.Task[LengthData]):
    @vf.reward(weight=1.0)
    async def right(self, task, trace{extra}) -> float:
        if "raise" in trace.last_reply:
            raise RuntimeError("a broken reward")
        return float(trace.last_reply.split()[-1] == task.answer)

    @vf.reward(weight=0.25)
    async def short(self, trace) -> float:
        return float(len(trace.last_reply) < 10)

class LengthTaskset(vf.Taskset[LengthTask, vf.TasksetConfig]):
    def load(self):
        for n in range({count}):
            word = "ab" * n + "c"
            yield LengthTask(
                LengthData(prompt={prompt}, answer=str(len(word)), system_prompt="Count."),
                self.config.task,
            )

{more}
__all__ = [{names}]
"""
LEGACY = """
from datasets import Dataset
import verifiers.legacy as vf

def load_environment(**options):
    def right(completion, answer, **rest):
        text = completion[-1]["content"]
        if "raise" in text:
            raise RuntimeError("a broken reward")
        return float(text == answer)

    rows = [{"question": f"Say {n}.", "answer": str(n)} for n in range(40)]
    return vf.SingleTurnEnv(dataset=Dataset.from_list(rows), rubric=vf.Rubric(funcs=[right]))
"""


@pytest.fixture
def taskset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a taskset as a module, and return its id."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str, text: str = TASKSET, **parts: object) -> str:
        given = {"extra": "", "count": 40, "prompt": 'f"How long is {word}?"', "more": "",
                 "names": '"LengthTaskset"'} | parts  # fmt: skip
        for part, value in given.items():
            text = text.replace("{" + part + "}", str(value))
        (tmp_path / f"{name}.py").write_text(text)
        return f"vf:{name}"

    return make


def test_tasks_and_grades(taskset):
    env = load(taskset("word_length_plain"))
    task = env.task("train", 1, 0)
    assert [one["role"] for one in task.messages] == ["system", "user"]
    right, long, wrong = env.scores(
        [task] * 3, [task.answer or "", f"I count {task.answer}", "wrong"]
    )
    assert (right.correct, right.reward) == (True, 1.0)
    assert (long.correct, wrong.correct) == (False, False)
    named = load("vf:word_length_plain?correct=right", reward="partial:1")
    assert named.score(task, f"I count {task.answer}").correct
    assert named.score(task, f"I count {task.answer}").reward == pytest.approx(1 / 1.25)
    broken = env.score(task, "raise")
    assert broken.status == "grader_error"
    assert "a broken reward" in broken.note


def test_splits_are_disjoint(taskset):
    env = load(taskset("word_length_split"))
    keys = {split: {env.task(split, 1, i).key for i in range(60)} for split in ("train", "test")}
    assert keys["train"]
    assert keys["test"]
    assert keys["train"].isdisjoint(keys["test"])


ENV = """
class Own(vf.Env[vf.EnvConfig]):
    async def run(self, task, agents):
        pass
"""


@pytest.mark.parametrize(
    ("name", "parts", "says"),
    [
        ("needs_runtime", {"extra": ", runtime"}, "need a runtime: right"),
        ("own_env", {"more": ENV, "names": '"LengthTaskset", "Own"'}, "exports an Env"),
        ("no_opening", {"prompt": "None"}, "no opening prompt"),
        ("one_task", {"count": 1}, "1 tasks, too few"),
        ("no_taskset", {"names": ""}, "exports 0 Taskset classes"),
        ("broken_module", {"more": "1 / 0"}, "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_an_environment_is_refused(taskset, name: str, parts: dict, says: str):
    with pytest.raises(UserError, match=says):
        load(taskset(name, **parts))
    with pytest.raises(UserError, match="there is no module"):
        load("vf:not_there_at_all")


def test_older_environments(taskset):
    pytest.importorskip("verifiers.legacy", reason="verifiers 0.4 has no older environments")
    env = load(taskset("say_number", LEGACY))
    task = env.task("train", 1, 0)
    right, wrong, broken = env.scores([task] * 3, [task.answer or "", "no", "raise"])
    assert (right.correct, wrong.correct) == (True, False)
    assert broken.status == "grader_error"
    assert "a broken reward" in broken.note


def test_our_environments_as_tasksets():
    from rlskills.adapters.verifiers.taskset import to_verifiers
    from rlskills.adapters.verifiers.tasksets import _trace, library

    env = load("string_transform?preset=tiny")
    config = library("configs.taskset").TasksetConfig(id="ours")
    tasks = list(to_verifiers(env, "test", 2, 5)(config))
    assert len(tasks) == len({task.key for task in tasks}) == 5
    ours = env.task("test", 2, 0)
    assert tasks[0].key == ours.key
    for text, reward in ((env.answer_only(ours), 1.0), ("no", 0.0)):
        trace = _trace(tasks[0], ours.messages, text)
        asyncio.run(tasks[0].score(trace))
        assert trace.reward == reward
        assert trace.metrics["answer"] == reward
