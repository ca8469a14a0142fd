"""Countdown: targets that can be reached, and expressions that reach them."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments import Task, load
from rlskills.errors import UserError
from rlskills_envs.countdown import OPERATIONS, Countdown, _merge


@cache
def reachable(numbers: tuple[int, ...]) -> frozenset[Fraction]:
    """Everything that all of the numbers can make, by trying all."""
    if len(numbers) == 1:
        return frozenset({Fraction(numbers[0])})
    found: set[Fraction] = set()
    for picked in range(1, 2 ** len(numbers) - 1):
        left = tuple(n for i, n in enumerate(numbers) if picked >> i & 1)
        right = tuple(n for i, n in enumerate(numbers) if not picked >> i & 1)
        for a, b in product(reachable(left), reachable(right)):
            found |= {a + b, a - b, a * b}
            if b:
                found.add(a / b)
    return frozenset(found)


def value(node) -> Fraction:
    """A tree of (left, operator, right) and numbers, over exact fractions."""
    if isinstance(node, int):
        return Fraction(node)
    left, operator, right = value(node[0]), node[1], value(node[2])
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def leaves(node) -> list[int]:
    return [node] if isinstance(node, int) else leaves(node[0]) + leaves(node[2])


def written(node) -> str:
    return (
        str(node) if isinstance(node, int) else f"({written(node[0])}{node[1]}{written(node[2])})"
    )


def task_of(numbers: list[int], target: int, use: str = "all") -> tuple[Countdown, Task]:
    env = Countdown(use=use)
    data = {"numbers": numbers, "target": target, "use": use, "steps": []}
    return env, replace(env.task("train", 1, 0), data=data)


def right(numbers: list[int], target: int, answer: str, use: str = "all") -> bool:
    env, task = task_of(numbers, target, use)
    return env.score(task, f"<answer>{answer}</answer>").correct


@given(st.integers(0, 10**9), st.lists(st.integers(1, 20), min_size=2, max_size=4))
def test_targets_are_reachable_and_steps_lead_there(seed: int, numbers: list[int]):
    made = _merge(random.Random(seed), list(numbers), 200)
    if made is None:
        return
    steps, expression = made
    target = steps[-1][3]
    assert 1 <= target <= 200
    assert Fraction(target) in reachable(tuple(sorted(numbers)))
    pool = list(numbers)
    for a, operator, b, result in steps:
        pool.remove(a)
        pool.remove(b)
        assert value((a, operator, b)) == result > 0
        pool.append(result)
    assert pool == [target]
    assert right(numbers, target, expression)
    assert right(numbers, target, f"{expression} = {target}")
    assert not right(numbers, target + 1, expression)
    assert not right([*numbers, 1], target, expression)


TREES = st.recursive(
    st.integers(1, 12), lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner), max_leaves=8
)


@given(TREES, st.integers(-3, 3))
def test_an_expression_is_right_exactly_if_its_value_is_the_target(tree, off: int):
    try:
        exact = value(tree)
    except ZeroDivisionError:
        assert not right(leaves(tree), 1, written(tree))
        return
    target = int(exact) + off
    assert right(leaves(tree), target, written(tree)) == (exact == target)


ANSWERS = [
    ("(3+4)*2", True),
    ("2*(4+3)", True),
    (" ( 3 + 4 ) * 2 ", True),
    ("(3+4)*2=14", True),
    ("(3+4)*2 = 14 ", True),
    ("(3 + 4) × 2", True),
    ("(3+4)*2=15", False),
    ("(3+4)*2=", False),
    ("14=(3+4)*2", False),
    ("(3+4)*2=14=14", False),
    ("3*4+2", True),
    ("3*4+2+0", False),
    ("34-20", False),
    ("7*2", False),
    ("14", False),
    ("3*4+2+2-2", False),
    ("2+3+4", False),
    ("(3+4)*2)", False),
    ("3 4*2", False),
    ("[3+4]*2", False),
    ("3**4*2", False),
    ("", False),
    ("int('14')", False),
    ("9**9**9", False),
    ("1e400", False),
    ("(" * 5000, False),
    ("3+4*2" * 5000, False),
]


@pytest.mark.parametrize(("answer", "correct"), ANSWERS)
def test_answers_for_3_4_2_to_14(answer: str, correct: bool):
    assert right([3, 4, 2], 14, answer) == correct


def test_a_subset_is_enough_only_where_the_problem_says_so():
    assert right([3, 4, 2, 50], 14, "(3+4)*2", use="subset")
    assert not right([3, 4, 2, 50], 14, "(3+4)*2")
    assert not right([3, 4, 2, 50], 14, "3*4+4-2", use="subset")
    assert right([7, 7, 1], 14, "7+7", use="subset")
    assert not right([7, 1], 14, "7+7", use="subset")


def test_values_between_need_not_be_whole():
    assert right([8, 3, 8, 3], 24, "8/(3-8/3)")


@given(st.permutations(["4", "9", "25"]), st.integers(1, 999))
def test_the_order_of_the_numbers_makes_no_other_problem(numbers: list[str], target: int):
    env = Countdown()
    keys = set()
    for order in (numbers, ["4", "9", "25"]):
        data = {"numbers": list(map(int, order)), "target": target, "use": "all", "steps": []}
        draft = replace(env.make(random.Random(0), env.config(2)), data=data)
        keys.add(str(env.identity(draft)))
    assert len(keys) == 1


@pytest.mark.parametrize("level", range(1, 8))
def test_levels_set_how_many_numbers_there_are(level: int):
    env = Countdown(largest=30, target=50)
    task = env.task(env.evaluation_split(level), level, 0)
    assert len(task.data["numbers"]) == level + 1
    assert len(task.skills) == level
    assert set(task.skills) <= set(OPERATIONS.values())
    assert all(1 <= number <= 30 for number in task.data["numbers"])
    assert 1 <= task.data["target"] <= 50


def test_all_operations_are_needed_somewhere():
    env = load("countdown")
    skills = {name for index in range(200) for name in env.task("train", 2, index).skills}
    assert skills == set(OPERATIONS.values())


@pytest.mark.parametrize(
    "options",
    [{"largest": 1}, {"largest": "nine"}, {"target": 0}, {"use": "some"}, {"use": ""}],
)
def test_options_that_are_refused(options: dict):
    with pytest.raises(UserError, match=r"largest|target|use"):
        Countdown(**options)
