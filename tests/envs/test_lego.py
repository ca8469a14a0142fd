"""LEGO: the groups are groups, and chains resolve as their clauses say."""

from __future__ import annotations

import re
from itertools import product

import pytest

from rlskills.environments import load
from rlskills.errors import UserError
from rlskills_envs.lego import GROUPS, Lego


@pytest.mark.parametrize("name", GROUPS)
def test_groups_are_groups(name: str):
    elements, act = GROUPS[name].elements, GROUPS[name].act
    assert len(set(elements)) == len(elements) == {"z2": 2, "s3": 6}.get(name) or int(name[1:])
    images = {element: tuple(act(element, value) for value in elements) for element in elements}
    assert all(sorted(image) == sorted(elements) for image in images.values())
    assert len(set(images.values())) == len(elements)  # no two elements act alike
    assert any(image == elements for image in images.values())  # one of them changes nothing
    for one, other in product(elements, repeat=2):  # acting twice is acting once
        both = tuple(act(other, act(one, value)) for value in elements)
        assert both in images.values()


def test_only_s3_minds_the_order():
    for name, group in GROUPS.items():
        commutes = all(
            group.act(a, group.act(b, c)) == group.act(b, group.act(a, c))
            for a, b, c in product(group.elements, repeat=3)
        )
        assert commutes == (name != "s3")


def resolve(prompt: str, group: str) -> str:
    """Compute the asked variable from the prompt alone, by passing over the clauses."""
    clauses, asked = prompt.removesuffix("?").split(".")
    values: dict[str, str] = {}
    waiting = clauses.split(",")
    while waiting:
        clause = waiting.pop(0)
        variable, _, right = clause.partition("=")
        source = next((c for c in right if c.isalpha()), None)
        if source is None:
            values[variable] = right
        elif source in values:
            values[variable] = apply(right, source, values[source], group)
        else:
            waiting.append(clause)
    return values[asked]


def apply(right: str, source: str, value: str, group: str) -> str:
    rest = right.replace(source, "", 1)
    if group == "z2":
        return value if rest == "+" else {"+": "-", "-": "+"}[value]
    if group == "s3":
        return "".join(value[int(digit) - 1] for digit in rest.removeprefix(":"))
    return str((int(value) + int(rest)) % int(group[1:]))


@pytest.mark.parametrize("clauses", [0, 8])
@pytest.mark.parametrize("group", GROUPS)
def test_the_prompt_alone_gives_the_answer(group: str, clauses: int):
    env = Lego(group=group, clauses=clauses, preset="tiny")
    for level in range(1, 13):
        for index in range(8):
            task = env.task(env.evaluation_split(level), level, index)
            assert resolve(task.text, group) == task.answer
            assert task.text.count("=") == max(level, clauses)
            for wrong in {*GROUPS[group].elements, "", "x"} - {task.answer}:
                assert not env.score(task, f"#{wrong}").correct


def test_each_position_is_a_skill_that_follows_the_one_before():
    task = load("lego").task("train", 4, 0)
    assert task.skills == ("position_1", "position_2", "position_3", "position_4")
    assert len(task.data["chain"]) == 4


def test_the_prerequisite_order_is_known():
    env = Lego()
    assert env.prerequisites([3, 1]) == {
        "position_1": (), "position_2": ("position_1",), "position_3": ("position_2",),
    }  # fmt: skip
    assert len(env.skills()) == 12


def test_neither_order_nor_what_comes_behind_makes_another_problem():
    short, long = Lego(preset="tiny"), Lego(preset="tiny", clauses=6)
    seen = {
        (tuple(t.data["chain"]), t.key)
        for env in (short, long)
        for t in (env.task("train", 1, index) for index in range(150))
    }
    assert len({key for _, key in seen}) == len({chain for chain, _ in seen}) < 110


def test_clauses_are_shuffled():
    env = Lego(preset="tiny")
    tasks = [env.task("train", 4, index) for index in range(50)]
    in_order = [t for t in tasks if re.split(r"[.,]", t.text)[:4] == t.data["chain"]]
    assert len(in_order) < 10


@pytest.mark.parametrize("options", [{"group": "z4"}, {"clauses": 53}, {"clauses": -1}])
def test_options_that_are_refused(options: dict):
    with pytest.raises(UserError, match=r"group|clauses"):
        Lego(**options)


def test_a_typographic_minus_is_one():
    env = load("lego")
    task = next(t for n in range(50) if (t := env.task("test", 1, n)).answer == "-")
    assert env.score(task, "<answer>\u2212</answer>").correct
    assert not env.score(task, "<answer>+</answer>").correct
