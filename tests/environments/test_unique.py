"""Different problems of one level, as many as there are and no more."""

from __future__ import annotations

from itertools import islice

import pytest

from rlskills.environments import Draft, Environment, load, unique_tasks
from rlskills.environments.unique import TooFew


class Dice(Environment):
    """Sums of small numbers: few problems, some of them rare."""

    name = "dice"

    def make(self, rng, cfg):
        a, b = rng.randrange(6), rng.randrange(6)
        return Draft(f"{a}+{b}", str(a + b))


@pytest.mark.parametrize("level", [1, 2])
def test_problems_are_different_and_in_the_order_of_the_stream(level: int):
    env = load("string_transform")
    told: list[int] = []
    tasks = list(unique_tasks(env, "train", level, 300, told.append))
    assert len({task.key for task in tasks}) == 300
    assert told == list(range(1, 301))
    assert [task.index for task in tasks] == sorted(task.index for task in tasks)
    stream = dict.fromkeys(task.key for task in islice(env.tasks("train", level), 250))
    assert list(stream) == [task.key for task in tasks[: len(stream)]]


def test_all_there_are_is_not_too_many():
    env = Dice(seed=3)
    there = {env.task("train", 1, index).key for index in range(2000)}
    tasks = unique_tasks(env, "train", 1, len(there))
    assert {task.key for task in tasks} == there


def test_more_than_there_are_is_an_honest_error():
    env = Dice()
    there = {env.task("train", 1, index).key for index in range(2000)}
    with pytest.raises(TooFew, match=f"dice has only about {len(there)} different problems"):
        list(unique_tasks(env, "train", 1, 37))
