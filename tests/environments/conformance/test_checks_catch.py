"""Rarer faults that the conformance checks catch, and what they must not mistake for one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from rlskills.environments import find
from rlskills.environments.conformance import Finding, check, isolated
from rlskills.environments.conformance.drawing import capacity
from rlskills.environments.conformance.hostile import CALLS, MEGABYTE, injections, junk

BASE = '''
import os, random, sys, time
from rlskills.environments import Draft, Environment, Holdout, Task

class Made(Environment):
    """Add two numbers."""
    name = "made"
    size = 10**6

    def make(self, rng, cfg):
        a, b = rng.randrange(self.size), rng.randrange(self.size)
        return Draft(f"{a}+{b}", str(a + b), ("add",), {"a": a, "b": b})

'''


@pytest.fixture
def failures(tmp_path: Path):
    """Check `BASE` with these lines added to the class; the findings that are not `ok`."""

    def failures(body: str, *only: str, **options: Any) -> list[Finding]:
        lines = "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))
        # A file is imported once, so every call needs one of its own.
        file = tmp_path / f"made_{len(list(tmp_path.glob('*.py')))}.py"
        file.write_text(BASE + lines)
        hard: dict[str, Any] = {"junk": 20, "draws": 60} | options
        found = check(f"{file}:Made", only=only, **hard)
        return [one for one in found if one.level != "ok"]

    return failures


def test_a_grader_that_hangs_is_stopped_and_the_string_is_named(failures, monkeypatch):
    monkeypatch.setattr(isolated, "SILENCE_S", 3.0)
    body = """
def verify(self, task, answer):
    while "[[[[" in answer: time.sleep(0.1)
    return False"""
    (found,) = failures(body, "junk")
    assert found.level == "failure"
    assert "nothing happened for 3 s" in found.message
    assert "[[[[" in found.message


def test_a_grader_that_ends_the_process_is_named(failures):
    body = """
def verify(self, task, answer):
    if "None" in answer: os._exit(3)
    return False"""
    (found,) = failures(body, "junk")
    assert "'None': the process ended with status 3" in found.message


def test_a_slow_grader_is_named(failures, monkeypatch):
    monkeypatch.setattr(isolated, "SILENCE_S", 120.0)  # slow, but not hung, on a busy machine too
    body = """
def verify(self, task, answer):
    import time
    end = time.process_time() + (0.4 if len(answer) > 199 else 0)
    while time.process_time() < end: pass
    return False"""
    found = failures(body, "junk", junk=18)
    assert "took" in found[0].message


def test_graders_may_print(failures):
    body = """
def verify(self, task, answer):
    print("grading", answer.encode("ascii", "replace")); return answer == task.answer"""
    assert failures(body, "junk", "injections", "fresh process") == []


def test_an_answer_to_another_task_that_is_taken(failures):
    body = "def verify(self, task, answer): return answer.isdecimal()"
    assert {one.level for one in failures(body, "exchanged answers")} == {"failure"}


def test_answers_that_are_said_to_fit_other_tasks_are_a_warning(failures):
    body = """
many_valid_answers = True
def verify(self, task, answer): return answer.isdecimal()"""
    assert {one.level for one in failures(body, "exchanged answers")} == {"warning"}


def test_identity_that_separates_equal_problems_is_a_leak(failures):
    body = """
size = 8
def identity(self, draft): return [draft.prompt, id(draft)]"""
    found = failures(body, "disjoint splits")
    assert found
    assert "see identity()" in found[0].message
    assert "its prompt is in" in found[0].message


def test_one_problem_under_two_sets_of_skills_is_a_leak(failures):
    body = """
holdout = Holdout(skills=frozenset({"carry"}))
def make(self, rng, cfg):
    skills = ("add", rng.choice(("carry", "plain")))
    return Draft(f"{rng.randrange(30)} + 1", "x", skills, depth=2)"""
    found = failures(body, "disjoint splits")
    assert "ood_skill" in found[0].message


def test_a_held_out_skill_composed_at_depth_1_is_caught(failures):
    body = """
holdout = Holdout(skills=frozenset({"g"}))
def make(self, rng, cfg):
    return Draft(f"f(g({rng.random()}))", "x", ("g", "f"), depth=1)"""
    found = failures(body, "hold-outs")
    assert "train holds what belongs to ood_skill" in found[0].message


def test_a_hold_out_that_never_occurs_is_a_warning(failures):
    (found,) = failures('holdout = Holdout(skills=frozenset({"ad"}))', "draws")
    assert (found.level, "ood_skill is empty" in found.message) == ("warning", True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ("Draft('1+1', 2)", "the answer is neither text nor None but int"),
        ("Draft('', '2')", "the prompt is empty"),
        ("Draft('1+1', '2', skills=['add'])", "the skills are not a tuple of names"),
        ("Draft(({'role': 'user'},), '2')", ""),
        ("Draft('1+1')", "drawing from train at level 1 raised TypeError"),
    ],
)
def test_malformed_drafts_are_described(failures, make, message):
    body = f"test_percent = 0\ndef make(self, rng, cfg): return {make}"
    found = failures(body, "draws")
    assert any(one.level == "failure" and message in one.message for one in found)


def test_seeding_the_global_generator_is_caught(failures):
    body = """
def make(self, rng, cfg):
    a = rng.random(); random.seed(a)
    return Draft(str(a), str(random.random()))"""
    assert "changes the global generator" in failures(body, "redrawn")[0].message


def test_state_that_grows_with_every_draw_is_caught(failures):
    body = """
count = 0
def make(self, rng, cfg):
    self.count += 1
    return Draft(f"{rng.random()}", str(self.count))"""
    assert "this task is another one" in failures(body, "redrawn")[0].message


def test_the_order_of_a_set_is_caught_by_fresh_processes(failures):
    body = """
def make(self, rng, cfg):
    words = {"alpha", "beta", "gamma", "delta", "epsilon", f"{rng.random()}"}
    return Draft(" ".join(words), "x")"""
    assert "PYTHONHASHSEED" in failures(body, "fresh process")[0].message


def test_repeated_problems_are_a_warning_but_small_worlds_are_not(failures):
    skewed = """
def make(self, rng, cfg):
    a = rng.randrange(2) * rng.randrange(10**9)
    return Draft(str(a), "x")"""
    (found,) = failures(skewed, "duplicates", draws=300)
    assert found.level == "warning"
    assert "draws repeat a problem" in found.message
    assert failures("size = 3", "duplicates", draws=300) == []
    (found,) = failures("test_percent = 0\nsize = 1", "duplicates", draws=300)
    assert "every draw is the same problem" in found.message


def test_skills_that_do_the_same_are_named(failures):
    body = """
def behaviours(self):
    return {"(nothing)": lambda x: x, "f": lambda x: x + 1, "g": lambda x: 1 + x, "h": abs,
            "most": lambda x: x + 1 if x else 0}
def cases(self, rng):
    while True: yield rng.randrange(20)"""
    messages = {one.message for one in failures(body, "twins")}
    assert messages == {
        "f and g do the same on 400 inputs",
        "h does nothing on 400 inputs",
    }


def test_a_solution_out_of_form_is_a_warning(failures):
    body = 'def answer_only(self, task): return f"<answer>{task.answer}</answer>, I am sure"'
    assert "right but not well formed" in failures(body, "oracle")[0].message


def test_long_prompts_and_slow_drawing_are_warnings(failures):
    body = """
def make(self, rng, cfg):
    sum(range(10**5))
    return Draft("1+" * 300 + str(rng.random()), "x")"""
    (found,) = failures(body, "prompts")
    assert (found.level, "a prompt at level 1 has" in found.message) == ("warning", True)
    (found,) = failures(body, "speed")
    assert (found.level, "tasks drawn in a second" in found.message) == ("warning", True)


def test_an_empty_split_costs_little_patience(failures, tmp_path: Path):
    body = """
drawing_seconds = 0.05
holdout = Holdout(skills=frozenset({"never"}))
def make(self, rng, cfg):
    time.sleep(0.01)
    Made.count += 1
    return Draft(str(rng.random()), "x", ("add",))
count = 0"""
    (found,) = failures(body, "draws", tasks=1)
    assert "ood_skill is empty at every level" in found.message
    drawn = vars(find(f"{tmp_path}/made_0.py:Made"))["count"]
    assert drawn < 100  # not `REDRAWS`, and not a minute


def test_an_environment_without_an_oracle_needs_a_solution_only(failures):
    body = """
def make(self, rng, cfg):
    a = rng.randrange(10, 10**6)
    return Draft(f"two numbers that sum to {a}, as a+b", None, data={"a": a})
def verify(self, task, answer):
    parts = answer.split("+")
    if len(parts) != 2 or not all(p.isascii() and p.isdecimal() and len(p) < 20 for p in parts):
        return False
    return sum(map(int, parts)) == task.data["a"]
def solution(self, task): return f"<answer>1+{task.data['a'] - 1}</answer>"
"""
    assert failures(body) == []


def test_the_global_generator_is_left_as_it_was(failures):
    random.seed(5)
    before = random.getstate()
    failures("", "redrawn")
    assert random.getstate() == before


def test_junk_is_the_same_every_time_and_holds_the_worst():
    texts = junk(400)
    assert texts == junk(400)
    assert len(set(texts)) > 390
    assert max(map(len, texts)) >= MEGABYTE - 20
    assert any("\ud800" in text for text in texts)
    assert "9" * 50 in texts
    assert junk(5) == texts[:5]


def test_injections_point_at_the_marker(tmp_path: Path):
    marker = str(tmp_path / "marker")
    texts = injections(marker)
    assert sum(marker in text for text in texts) >= len(CALLS)
    assert "9**9**9" in texts
    assert not Path(marker).exists()


@pytest.mark.parametrize("true", [50, 400, 3000])
def test_capacity_is_about_right_for_uniform_draws(true: int):
    rng = random.Random(0)
    seen = {rng.randrange(true) for _ in range(1000)}
    assert 0.7 * true < float(capacity(1000, len(seen))) < 1.4 * true


def test_capacity_without_a_repeat_is_a_lower_bound():
    assert capacity(1000, 1000) == "166666 or more"
    assert capacity(1, 1) == "1 or more"
