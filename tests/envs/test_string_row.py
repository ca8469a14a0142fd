"""Rows of single calls: each value is its function's, and no test problem of level 1 is shown."""

from __future__ import annotations

import re
from itertools import islice

import pytest

from rlskills.environments import load
from rlskills.errors import UserError
from rlskills_envs.string_transform import TINY_FUNCTIONS

CALL = re.compile(r"(F\d\d)\(([a-h]+)\)")


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_every_value_is_its_functions(level: int):
    env = load("string_row")
    for task in islice(env.tasks("train", level), 50):
        found = CALL.findall(task.text)
        assert len(found) == level + 1
        assert task.skills == tuple(name for name, _ in found)
        assert task.answer == ";".join(TINY_FUNCTIONS[name](word) for name, word in found)
        assert env.score(task, env.solution(task)).correct
        assert not env.score(task, env.solution(task)[:-1]).correct


def test_no_call_is_a_test_problem_of_single_calls():
    single = load("string_transform", preset="tiny", functions="all")
    held = {task.text.rstrip("?") for task in islice(single.tasks("test", 1), 3000)}
    row = load("string_row")
    for split in ("train", "test"):
        for task in islice(row.tasks(split, 3), 500):
            assert held.isdisjoint(task.text.rstrip("?").split(";"))


def test_the_sets_are_those_of_string_transform():
    single = load("string_transform", preset="tiny", functions="train")
    known = {skill for task in islice(single.tasks("train", 1), 500) for skill in task.skills}
    row = load("string_row?functions=train")
    drawn = {skill for task in islice(row.tasks("train", 1), 500) for skill in task.skills}
    assert drawn == known
    with pytest.raises(UserError, match="did you mean 'train'"):
        load("string_row?functions=trian").task("train", 1, 0)
