"""The taxonomy is a fixed tree, walks follow it, and every right hop earns its share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rlskills.environments import Task, digest
from rlskills.environments.conformance import check
from rlskills.errors import UserError
from rlskills_envs.hierarchy import CHILDREN, PARENT, RELATIONS, ROWS, Hierarchy, follow

ROOT = next(iter(CHILDREN))


def row(name: str) -> int:
    return 1 if name == ROOT else 1 + row(PARENT[name])


def test_the_taxonomy_is_a_tree_that_does_not_change():
    assert len(PARENT) == len(CHILDREN) - 1
    assert sum(map(len, CHILDREN.values())) == len(PARENT)
    assert {row(name) for name in CHILDREN} == set(range(1, ROWS + 1))
    for name, family in CHILDREN.items():
        assert len(family) in ((0,) if row(name) == ROWS else (2, 3, 4))
        assert all(PARENT[child] == name for child in family)
        assert len(name) == 4
    # Whoever changes the tree raises the environment's version, and this digest with it.
    assert (Hierarchy.version, digest(CHILDREN)) == (1, "82baa088410fc96987d50c5f9d470c06")


def test_relations():
    family = next(iter(CHILDREN.values()))
    assert follow("parent", ROOT) is None
    assert follow("next_sibling", ROOT) is None
    assert follow("first_child", ROOT) == family[0]
    assert follow("last_child", ROOT) == family[-1]
    assert follow("next_sibling", family[0]) == family[1]
    assert follow("next_sibling", family[-1]) is None
    for name in CHILDREN:
        if row(name) == ROWS:
            assert follow("first_child", name) is follow("last_child", name) is None
        for child in CHILDREN[name]:
            assert follow("parent", child) == name


def test_no_relation_is_another_one():
    (finding,) = check("hierarchy", only=["twins"])
    assert (finding.level, finding.message[:12]) == ("ok", "4 behaviours")


def walks(env: Hierarchy, count: int) -> list[Task]:
    return [
        env.task(env.evaluation_split(level), level, index)
        for level in range(1, 7)
        for index in range(count)
    ]


@pytest.mark.parametrize("rows", [3, 4, 5])
def test_walks_follow_the_tree_and_meet_no_name_twice(rows: int):
    for task in walks(Hierarchy(rows=rows, train_depth=0), 10):
        path, relations = task.data["path"], task.data["relations"]
        assert tuple(relations) == task.skills
        assert len(path) == len(set(path)) == task.level + 1
        assert max(map(row, path)) <= rows
        for one, relation, other in zip(path, relations, path[1:], strict=False):
            assert follow(relation, one) == other
        assert task.answer == ", ".join(path[1:])


def hop(mark: str, here: str, known: dict[str, list[str]]) -> str:
    """Where a mark leads, going by the families shown in a prompt."""
    if mark in "[]":
        return known[here][0 if mark == "[" else -1]
    above = next(name for name, children in known.items() if here in children)
    return above if mark == "^" else known[above][known[above].index(here) + 1]


def test_shown_facts_are_enough():
    for task in walks(Hierarchy(preset="tiny", facts="shown"), 10):
        *facts, question = task.text.split(";")
        known = {name: children.split(",") for name, children in (f.split(":") for f in facts)}
        met = [question[:4]]
        for mark in question[4:-1]:
            met.append(hop(mark, met[-1], known))
        assert ",".join(met[1:]) == task.answer
    hidden = walks(Hierarchy(preset="tiny"), 3)
    assert all(";" not in task.text for task in hidden)


def test_facts_do_not_make_another_problem():
    keys = [[t.key for t in walks(Hierarchy(facts=facts), 5)] for facts in ("hidden", "shown")]
    assert keys[0] == keys[1]


# Three hops; the name x is in no path.
CREDIT = [
    ("{0}, {1}, {2}", 1.0),
    ("{0},{1},{2}", 1.0),
    (" {0} , {1} , {2} ", 1.0),
    ('["{0}", "{1}", "{2}"]', 1.0),
    ("{2}", 0.5),
    ("x, x, {2}", 0.5),
    ("{0}, x, {2}", 0.5 + 1 / 6),
    ("{0}, {2}", 0.5 + 1 / 6),
    ("{0}, {1}, x", 2 / 6),
    ("{0}, {1}", 2 / 6),
    ("{0}, {1}, {2}, x", 3 / 8),
    ("{0}, {1}, {2}, {2}", 0.5 + 3 / 8),
    ("x, {1}, x", 0.0),
    ("{2}, {1}, {0}", 0.0),
    ("x", 0.0),
]


@pytest.mark.parametrize(("answer", "credit"), CREDIT)
def test_credit_for_the_path_and_for_its_end(answer: str, credit: float):
    env = Hierarchy()
    path = env.task("train", 3, 0).data["path"][1:]
    score = env.score(env.task("train", 3, 0), f"<answer>{answer.format(*path)}</answer>")
    assert score.reward == pytest.approx(credit)
    assert score.correct == (credit == 1.0)


def test_both_halves_of_the_credit_can_be_weighted():
    env = Hierarchy(reward="last:1,path:0.25")
    task = env.task("train", 2, 0)
    score = env.score(task, f"<answer>{task.data['path'][2]}</answer>")
    assert (score.parts["last"], score.parts["path"], score.reward) == (1.0, 0.0, 1.0)
    first = env.score(task, f"<answer>{task.data['path'][1]}</answer>")
    assert (first.parts["last"], first.parts["path"], first.reward) == (0.0, 0.5, 0.125)
    assert env.score(task, env.solution(task)).reward == 1.25


def test_names_are_read_in_either_case_and_hostile_lists_earn_little():
    env = Hierarchy()
    task = env.task("train", 2, 0)
    assert env.score(task, f"<answer>{(task.answer or '').upper()}</answer>").correct
    everyone = ", ".join(CHILDREN)
    assert env.score(task, f"<answer>{everyone}</answer>").reward < 0.1
    for text in ("[", "," * 5000, "[[" * 5000, "\0", "[1, null]", '{"a": 1}'):
        assert env.score(task, f"<answer>{text}</answer>").reward == 0.0


def test_aunts_are_never_trained_on():
    env = Hierarchy()
    for split in ("train", "test"):
        for index in range(150):
            pairs = "".join(RELATIONS[way] for way in env.task(split, 3, index).skills)
            assert "^>" not in pairs
    assert env.task("ood_pair", 2, 0).skills == ("parent", "next_sibling")
    assert env.task("train", 2, 0).depth == 2


def test_the_worked_solution_names_every_hop():
    env = Hierarchy(preset="tiny")
    task = replace(
        env.task("train", 2, 0),
        data={"path": ["aaaa", "bbbb", "cccc"], "relations": ["parent", "last_child"]},
        answer="bbbb,cccc",
    )
    assert env.solution(task) == "aaaa^bbbb;bbbb]cccc;#bbbb,cccc"


@pytest.mark.parametrize("options", [{"facts": "some"}, {"rows": 2}, {"rows": 6}, {"rows": "four"}])
def test_options_that_are_refused(options: dict):
    with pytest.raises(UserError, match=r"facts|rows"):
        Hierarchy(**options)
