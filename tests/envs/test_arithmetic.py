"""Arithmetic: columns that add up to the result, in either order of digits."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments import Draft
from rlskills.errors import UserError
from rlskills_envs.arithmetic import LARGEST, Arithmetic, _addition, _chain, _multiplication

NUMBERS = st.integers(0, 10**12)


def read(equation: tuple[str, ...]) -> tuple[int, int]:
    """Both sides of an equation of the worked solution, computed by Python."""
    left, right = "".join(equation).split("=")
    plain = re.sub(r"\b0+(?=\d)", "", left)
    return eval(plain, {}, {}), int(right)  # our own equation


@given(NUMBERS, NUMBERS)
def test_addition_by_columns(a: int, b: int):
    skills, steps = _addition(a, b)
    digits = [step[-1] for step in steps]
    assert all(left == right for left, right in map(read, steps))
    assert int("".join(one[1] for one in reversed(digits))) + 10 ** len(digits) * int(
        digits[-1][0]
    ) == (a + b)
    carries = ["0", *(one[0] for one in digits)]
    assert [step[4] for step in steps] == carries[:-1]
    assert skills == ["add_carry" if c != "0" else "add" for c in carries[:-1]]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_multiplication_by_rows(a: int, b: int):
    skills, steps = _multiplication(a, b)
    assert all(left == right for left, right in map(read, steps))
    rows = [int(step[-1]) for step in steps if len(step) == 5 and step[1] == "*"]
    assert len(rows) == len(str(b))
    assert sum(rows) == a * b
    assert len(skills) == sum(len(step) == 7 for step in steps)


def value(problem: str, in_reverse: bool) -> int:
    """The problem as the prompt shows it, computed by Python."""
    turned = re.sub(r"\d+", lambda m: m.group()[::-1], problem) if in_reverse else problem
    return eval(re.sub(r"\b0+(?=\d)", "", turned), {}, {})  # our own problem


@pytest.mark.parametrize("in_reverse", [False, True])
@pytest.mark.parametrize("operation", ["add", "multiply", "chain"])
def test_the_prompt_alone_gives_the_answer(operation: str, in_reverse: bool):
    env = Arithmetic(operation=operation, reversed=in_reverse, preset="tiny")
    for level in range(1, 13):
        for index in range(10):
            task = env.task(env.evaluation_split(level), level, index)
            exact = str(value(task.text.removesuffix("?"), in_reverse))
            sign, digits = ("-", exact[1:]) if exact[0] == "-" else ("", exact)
            assert task.answer == sign + (digits[::-1] if in_reverse else digits)
            for step in env.solution(task).split(";")[:-1]:
                left, right = step.split("=")
                assert value(left, in_reverse) == value(right, in_reverse)
            if operation != "chain":
                assert all(len(n) == level for n in re.findall(r"\d+", task.text))
            for wrong in (f"{task.answer}0", f"0{task.answer}", f"-{task.answer}", ""):
                assert not env.score(task, f"#{wrong}").correct


def test_the_last_equation_of_a_column_solution_ends_the_number():
    env = Arithmetic(preset="tiny")
    data = {"operation": "add", "problem": ["57", "+", "68"]}
    task = replace(env.task("train", 2, 0), data=data, answer="125")
    assert env.solution(task) == "7+8+0=15;5+6+1=12;#125"


ANSWERS = [("1,250", True), ("1250", True), (" 1250 ", True), ("1250.0", True), ("+1250", True),
           ("0521", False), ("1250.5", False), ("12 50", False), ("1e3250", False), ("", False),
           ("625*2", False), ("1250\n1251", False), ("9**9**9", False)]  # fmt: skip


@pytest.mark.parametrize(("answer", "correct"), ANSWERS)
def test_answers_in_words_for_1250(answer: str, correct: bool):
    for in_reverse, wanted in ((False, "1250"), (True, "0521")):
        env = Arithmetic(reversed=in_reverse)
        task = replace(env.task("train", 4, 0), answer=wanted)
        found = env.score(task, f"<answer>{answer}</answer>").correct
        assert found == (answer == "0521" if in_reverse else correct)


def test_the_order_of_the_first_two_operands_makes_no_other_problem():
    env = Arithmetic()

    def key(operation: str, *problem: str) -> object:
        return env.identity(Draft("", "", data={"operation": operation, "problem": [*problem]}))

    assert key("add", "12", "+", "34") == key("add", "34", "+", "12")
    assert key("add", "12", "+", "34") != key("multiply", "12", "*", "34")
    assert key("chain", "1", "*", "2", "-", "3") == key("chain", "2", "*", "1", "-", "3")
    assert key("chain", "1", "-", "2") != key("chain", "2", "-", "1")
    assert key("chain", "1", "+", "2", "+", "3") != key("chain", "1", "+", "3", "+", "2")


def test_either_order_of_digits_asks_the_same_problems():
    plain, turned = Arithmetic(), Arithmetic(reversed=True)
    for index in range(20):
        one, other = plain.task("train", 5, index), turned.task("train", 5, index)
        assert one.key == other.key
        assert (one.answer or "")[::-1] == other.answer


@given(st.integers(0, 10**9))
def test_chains_stay_small(seed: int):
    env = Arithmetic(operation="chain")
    draft = env.make(random.Random(seed), env.config(12))
    values = [int(step[-1]) for step in _chain(draft.data["problem"])[1]]
    assert max(map(abs, values)) <= LARGEST + 9 * 12
    assert len(values) == len(draft.skills) == 12


def test_chains_hold_pairs_out():
    env = Arithmetic(operation="chain")
    assert env.holdout.splits == ("train", "test", "ood_pair", "ood_depth")
    text = env.task("ood_pair", 2, 0).text
    assert re.search(r"\*\d\)-|-\d\)\+", text)
    assert Arithmetic().holdout.splits == ("train", "test", "ood_depth")


@pytest.mark.parametrize("options", [{"operation": "divide"}, {"size": 0}, {"size": 101}])
def test_options_that_are_refused(options: dict):
    with pytest.raises(UserError, match=r"operation|size"):
        Arithmetic(**options)
