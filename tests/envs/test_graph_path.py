"""Graph paths: acyclic graphs, paths by search, any valid one accepted and no other."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments import Task
from rlskills.errors import UserError
from rlskills_envs.graph_path import GraphPath, _search

SHAPES = [
    {},
    {"branching": 0},
    {"branching": 2, "dead_end": 1, "joining": 1.0},
    {"branching": 1, "dead_end": 5, "joining": 0.0},
]


def paths(edges: list[str], start: str, goal: str) -> set[str]:
    """All simple paths, by following everything."""
    ways = defaultdict(list)
    for one, other in edges:
        ways[one].append(other)
    found, open_ = set(), [start]
    while open_:
        path = open_.pop()
        if path[-1] == goal:
            found.add(path)
        else:
            open_ += [path + node for node in ways[path[-1]] if node not in path]
    return found


def tasks(count: int, **options) -> list[tuple[GraphPath, Task]]:
    env = GraphPath(preset="tiny", train_depth=0, **options)
    return [
        (env, env.task("train", level, index)) for level in range(1, 6) for index in range(count)
    ]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_all_paths_to_the_goal_are_as_long_as_the_level(shape: dict):
    for _, task in tasks(20, **shape):
        data = task.data
        found = paths(data["edges"], data["start"], data["goal"])
        assert {len(path) - 1 for path in found} == {task.level}
        assert task.answer in found
        assert len(set(data["edges"])) == len(data["edges"])
        layers = {data["start"]: 0}
        waiting = list(data["edges"])
        while waiting:  # every edge leads one layer on, so there is no cycle
            one, other = edge = waiting.pop(0)
            if one in layers:
                assert layers.setdefault(other, layers[one] + 1) == layers[one] + 1
            else:
                waiting.append(edge)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_valid_path_is_right_and_nothing_else_is(shape: dict):
    several = 0
    for env, task in tasks(8, **shape):
        data = task.data
        found = paths(data["edges"], data["start"], data["goal"])
        several += len(found) > 1
        nodes = sorted({node for edge in data["edges"] for node in edge})
        for path in found:
            assert env.score(task, f"#{path}").correct
            for wrong in (path[1:], path[:-1], path[::-1], path + path[-1], path[0] + path):
                assert not env.score(task, f"#{wrong}").correct
        if len(nodes) < 8:
            for path in permutations(nodes, task.level + 1):
                assert env.score(task, "#" + "".join(path)).correct == ("".join(path) in found)
    assert several or shape.get("joining") == 0.0 or shape.get("branching") == 0


@given(st.integers(0, 10**9), st.integers(2, 9), st.integers(0, 20))
def test_search_finds_a_path_wherever_there_is_one(seed: int, size: int, extra: int):
    rng = random.Random(seed)
    names = "abcdefghi"[:size]
    forward = [a + b for i, a in enumerate(names) for b in names[i + 1 :]]
    chain = [a + b for a, b in pairwise(names)]
    edges = list(dict.fromkeys(chain + rng.sample(forward, min(extra, len(forward)))))
    rng.shuffle(edges)
    moves, path = _search(edges, names[0], names[-1])
    assert path in paths(edges, names[0], names[-1])
    taken = [move[:2] for move in moves]
    assert len(set(taken)) == len(taken)
    assert set(taken) <= set(edges)
    assert {one + other for one, other in pairwise(path)} <= set(taken)
    for move in moves:
        leaves = not any(edge[0] == move[1] for edge in edges)
        assert move.endswith("!") == (leaves and move[1] != names[-1])


ANSWERS = [
    ("a -> b -> d", True),
    ("a->b->d", True),
    ("a, b, d", True),
    ("a b d", True),
    ("a → c → d", True),
    ("a -> d", False),
    ("a -> b -> d -> b", False),
    ("a -> b -> b -> d", False),
    ("b -> d", False),
    ("a -> b", False),
    ("a -> b ->", False),
    ("-> a -> b -> d", False),
    ("abd", False),
    ("", False),
    ("A -> B -> D", False),
    ("a -> b -> d" * 500, False),
]


@pytest.mark.parametrize(("answer", "correct"), ANSWERS)
def test_answers_on_a_diamond(answer: str, correct: bool):
    env = GraphPath()
    data = {"edges": ["ab", "bd", "ac", "cd", "ce"], "start": "a", "goal": "d", "moves": []}
    task = replace(env.task("train", 2, 0), data=data)
    assert env.score(task, f"<answer>{answer}</answer>").correct == correct


def test_edges_in_another_order_are_the_same_problem():
    env = GraphPath()
    draft = env.make(random.Random(1), env.config(4))
    other = {**draft.data, "edges": draft.data["edges"][::-1]}
    assert env.identity(replace(draft, data=other)) == env.identity(draft)
    turned = {**draft.data, "goal": draft.data["edges"][0][1], "start": "?"}
    assert env.identity(replace(draft, data=turned)) != env.identity(draft)


def test_skills_say_where_there_is_a_choice():
    for _, task in tasks(10):
        leaving = [sum(e[0] == node for e in task.data["edges"]) for node in task.answer or ""]
        assert task.skills == tuple("follow" if n == 1 else "choose" for n in leaving[:-1])


@pytest.mark.parametrize(
    "options",
    [{"branching": 5}, {"branching": -1}, {"dead_end": 0}, {"dead_end": 9}, {"joining": 1.5}],
)
def test_options_that_are_refused(options: dict):
    with pytest.raises(UserError, match=r"branching|dead_end|joining"):
        GraphPath(**options)
