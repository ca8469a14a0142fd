"""What a record keeps of answers: texts, kinds of mistakes, and where the first one is."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rlskills.environments import Environment, GraderError, Score, Task, load, names
from rlskills.evaluation.eval_sets import SHOWN, EvalSet, make_eval_sets
from rlskills.evaluation.explained import CHARACTERS, Answer, explained
from rlskills.evaluation.measures.claims import claims_of, problem_of
from rlskills.evaluation.measures.failures import Failure, classify
from rlskills.evaluation.outcomes import failure_shares

MORE = {
    "string_transform": ("preset=tiny", "preset=letters", "preset=paper"),
    "arithmetic": ("operation=multiply", "operation=chain", "operation=chain&reversed=true"),
    "lego": ("group=z10", "group=s3"),
    "procedure": ("kind=list",),
}
PRESETS = ("arithmetic", "hierarchy", "lego", "procedure")
SPECS = [
    f"{name}?{'&'.join(filter(None, (options, preset)))}".rstrip("?")
    for name in names()
    for options in ("", *MORE.get(name, ()))
    for preset in (("", "preset=tiny") if name in PRESETS else ("",))
]
"""Every registered environment, in its presets."""


def stepped(spec: str) -> Iterator[tuple[Environment, Task]]:
    """Some problems of two steps or more."""
    env = load(spec)
    for index in range(6):
        task = env.task("train", 3, index)
        if env.step_count(task) > 1:
            yield env, task


def judged(env: Environment, task: Task, text: str, answer: str | None = None) -> Failure:
    problem, score = problem_of(env, task), env.score(task, text)
    assert problem is not None, f"no problem is read in {env.solution(task)}"
    claims = claims_of(env, task, text, score.steps)
    return classify(problem, claims, answer or score.parsed, env.functions(), right=score.correct)


def answers(env: Environment, task: Task, *texts: str) -> list[Answer]:
    return [Answer(env.score(task, text), text) for text in texts]


def test_environments_with_steps_are_found():
    found = {spec.partition("?")[0] for spec in SPECS if any(True for _ in stepped(spec))}
    assert found >= {"string_transform", "string_row", *PRESETS}


@pytest.mark.parametrize("spec", SPECS)
def test_own_solutions_are_verified_and_one_changed_result_is_a_slip(spec: str):
    for env, task in stepped(spec):
        text = env.solution(task)
        assert judged(env, task, text).kind == "verified"
        for place, step in enumerate(env.steps(task, text)):
            assert step.value is not None
            value = text[step.value : step.end].rstrip("'\".")
            end = step.value + len(value)
            wrong = text[: end - 1] + ("1" if text[end - 1] == "0" else "0") + text[end:]
            found = judged(env, task, wrong)
            assert found.defect is not None, wrong
            assert (found.defect.fault, found.defect.step) == ("slip", place), wrong
            calls = claims_of(env, task, wrong, env.steps(task, wrong))
            several = len({(call.op, call.args) for call in calls}) > 1
            assert found.trace == ("atomic error" if several else "ignores composition")


def arithmetic() -> tuple[Environment, Task]:
    env = load("arithmetic?preset=tiny&operation=chain")
    for index in range(200):
        task = env.task("train", 3, index)
        if task.data["problem"][1:4:2] == ["+", "*"]:
            return env, task
    raise AssertionError("no such chain")


def test_a_step_on_other_values_is_bound_wrongly():
    env, task = arithmetic()
    first, second, *rest = env.solution(task).split(";")
    other = f"9{second.partition('=')[0]}=1"
    assert judged(env, task, ";".join([first, other, *rest]), "x").kind == "lucky"
    found = judged(env, task, f"{first};{other};#x")
    assert (found.kind, found.defect and found.defect.cause) == ("wrong composition", "binding")
    # Carried on from a wrong result: the first step is what is wrong.
    slipped = first.partition("=")[0] + "=77"
    found = judged(env, task, f"{slipped};77{second[second.index('*') :]};#1")
    assert (found.kind, found.defect and found.defect.step) == ("atomic error", 0)


def test_a_chain_of_variables_is_bound_by_what_was_said_of_them():
    env = load("lego?preset=tiny")
    task = env.task("train", 3, 0)
    first, second, third, _ = env.solution(task).split(";")
    swapped = f"{third[:2]}{third[2]}{first[0]}{third[4:]}"  # the first variable, not the second
    found = judged(env, task, f"{first};{second};{swapped};#x")
    assert (found.kind, found.defect and found.defect.step) == ("wrong composition", 2)
    assert judged(env, task, f"{first};{second};#x").kind == "incomplete trace"


def test_what_is_kept_of_a_task():
    env = load("string_transform?preset=tiny")
    task = env.task("train", 2, 0)
    (one, value), (two, end) = task.data["steps"]
    right = f"{one}={value};{two}={end};#{end}"
    slip = f"{one}={value};{two}={end}zz;#{end}zz"
    lucky = f"{one}={value}z;{two}={end};#{end}"
    first, *rest = answers(env, task, slip, right, right, lucky, slip)
    failed = Answer(Score.failure("grader_error", "it broke"), "any")
    found = explained(env, task, first, [*rest, failed], shown=True)
    begin = len(one) + len(value) + 2
    assert found == {
        "prompt": task.text, "completion": slip, "first_wrong": [begin, len(slip) - len(end) - 4],
        "greedy_class": "atomic error", "steps": 2,
        "defect": {"cause": "slip", "step": 2, "type": "added"},
        "classes": {"atomic error": 1, "lucky": 1, "verified": 2}, "verified": 2,
    }  # fmt: skip
    assert (
        not {"prompt", "completion", "first_wrong"} & explained(env, task, first, [], False).keys()
    )
    assert explained(env, task, failed, [], False) == {}
    assert explained(env, task, answers(env, task, right)[0], [], False) == {
        "greedy_class": "verified", "steps": 2,
    }  # fmt: skip


def test_answers_without_steps_are_explained_by_what_gives_them():
    env = load("string_transform?preset=tiny")
    for index in range(20):
        task = env.task("train", 2, index)
        given = task.data["input"]
        texts = (f"#{task.answer}", f"#{given}", "#hhhhhhhhhhhhhhhhhh", given)
        kinds = [
            explained(env, task, each, [], False).get("greedy_class")
            for each in answers(env, task, *texts)
        ]
        assert kinds[0] == "right without steps"
        assert kinds[1] in ("ignores composition", "ambiguous", "right without steps")
        assert kinds[2:] == ["other", "unparsed"]
        assert "steps" not in explained(env, task, answers(env, task, "#a")[0], [], False)
    env = load("lego?preset=tiny")  # whose functions cannot be run
    task = env.task("train", 2, 0)
    wrong = "#" + {"+": "-", "-": "+"}[task.answer or ""]
    found = explained(env, task, answers(env, task, wrong)[0], [], False)
    assert found == {"greedy_class": "wrong without steps"}


def test_texts_are_cut_and_so_is_what_is_marked_in_them():
    env = load("string_transform?preset=tiny")
    task = env.task("train", 2, 0)
    (one, value), _ = task.data["steps"]
    long = f"{one}={value}{'z' * 5000};#x"
    found = explained(env, task, answers(env, task, long)[0], [], True)
    assert len(found["completion"]) == CHARACTERS
    assert found["first_wrong"] == [0, CHARACTERS]
    late = "x" * CHARACTERS + f";{one}=zzz;#x"
    assert "first_wrong" not in explained(env, task, answers(env, task, late)[0], [], True)


class Broken(Environment):
    """Its grader works and what takes its steps apart does not."""

    def step_count(self, task: Task) -> int:
        return 2

    def calls(self, task: Any, completion: str, steps: Any) -> Any:
        raise ZeroDivisionError("by nought")


def test_code_that_raises_is_named_and_code_that_is_not_trusted_is_not_run():
    env, task = Broken(), Task("broken", "train", 1, 0, "?", "a", (), 1, {}, "k")
    answer = Answer(Score(True, 1.0, {}, "ok", "a"), "<answer>a</answer>")
    with pytest.raises(GraderError, match="calls of Broken raised ZeroDivisionError: by nought"):
        explained(env, task, answer, [], False)
    env.trusted_grader = False
    assert explained(env, task, answer, [answer], True).keys() == {"prompt", "completion"}


def test_episodes_have_nothing_of_this():
    env = load("function_guess?preset=tiny")
    task = env.task("train", 1, 0)
    assert explained(env, task, Answer(Score(True, 1.0, {}, "ok", "a")), [], True) == {}


@pytest.mark.parametrize("spec", SPECS)
def test_no_text_of_a_model_breaks_it(spec: str):
    rng = random.Random(spec)
    marks = ("=", "->", "(", "'", ";", "#", "The ", " of ", " is ", "\0", "\ud800", "9" * 300)
    for env, task in stepped(spec):
        pieces = [*env.solution(task), env.solution(task), *marks]
        for _ in range(20):
            text = "".join(rng.choices(pieces, k=rng.randrange(13)))
            asked = answers(env, task, text)
            found = explained(env, task, asked[0], asked, True)
            assert sum(found["classes"].values()) == 1, text


@pytest.mark.parametrize("piece", ["F01(abc)=abc;", "F01((((", "F01('", "func_3('", "= ", "("])
def test_long_texts_take_linear_time(piece: str):
    for spec in ("string_transform?preset=tiny", "string_transform?preset=clean"):
        env = load(spec)
        task = env.task("train", 3, 1)
        text = (task.data["steps"][0][0] + piece) + piece * (200_000 // len(piece))
        asked = answers(env, task, text)
        begin = time.process_time()
        explained(env, task, asked[0], [], True)
        assert time.process_time() - begin < 5


def test_texts_are_kept_of_the_same_tasks_however_they_are_shared():
    (whole,) = make_eval_sets({"t": load("string_transform?preset=tiny")}, (2,), 40)
    wanted = [task.key for task in whole.tasks[:SHOWN]]

    def kept(parts: list[EvalSet]) -> set[str]:
        return {task.key for part in parts for task in part.tasks[: part.shown]}

    assert kept([whole]) == set(wanted)
    assert kept([whole.part(slice(rank, None, 3)) for rank in range(3)]) == set(wanted)
    assert kept([whole.part(slice(i, i + 7)) for i in range(0, 40, 7)]) == set(wanted)
    assert [t for i in range(0, 40, 7) for t in whole.part(slice(i, i + 7)).tasks] == [*whole.tasks]


def test_shares_of_failures_are_of_answers_with_a_kind():
    def record(group: str, *kinds: str) -> dict[str, Any]:
        tasks: list[dict[str, Any]] = [{"greedy_class": kind} for kind in kinds]
        return {"group": group, "level": 2, "tasks": [*tasks, {"key": "a grader failed"}]}

    damaged: Any = ["no text"]
    one = record("a", "verified", "lucky", "unparsed", "atomic error")
    found = failure_shares([one, record("b", damaged)], ["atomic error", "incomplete trace"])
    assert found == {
        ("atomic error", ("a", 2)): 0.25, ("incomplete trace", ("a", 2)): 0.0,
        ("unparsed", ("a", 2)): 0.25,
    }  # fmt: skip


def test_the_functions_of_a_preset_follow_no_parameter_that_no_problem_has():
    functions = load("string_transform?preset=clean").functions()
    assert functions["func_1"]("ab", "3") == "ababab"
    with pytest.raises(ValueError, match="not a parameter"):
        functions["func_1"]("ab", "999999999999")
    with pytest.raises(ValueError, match="too long"):
        functions["func_5"]("ab", "x" * 100)
    assert functions["+"]("a", "b") + functions[".upper"]("c") == "abC"
    env, rng = load("string_transform?preset=paper"), random.Random(0)
    for index in range(40):
        task = env.task("train", 3, index + rng.randrange(100))
        problem = problem_of(env, task)
        assert problem is not None
        for i, step in enumerate(problem.steps):
            if "\\" not in step.value + "".join(problem.args(i)):
                assert env.functions()[step.op](*problem.args(i)) == step.value
