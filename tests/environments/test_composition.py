"""Parts by composition ask exactly their skills, from the split that owns them."""

from __future__ import annotations

import pickle
from itertools import pairwise

import pytest

from rlskills.environments import Environment, load, names
from rlskills.errors import UnknownName, UserError

COMPOSING = ("string_transform?preset=tiny&functions=all&holdout_pairs=200", "procedure",
             "procedure?preset=tiny", "string_transform")  # fmt: skip


@pytest.mark.parametrize("spec", COMPOSING)
@pytest.mark.parametrize("split", ["train", "test"])
def test_parts_ask_exactly_their_skills(spec: str, split: str):
    env = load(spec)
    skills = list(env.skills())[:6]
    wanted = [*skills[:3], *(f"{f}>{g}" for f in skills for g in skills)]
    parts = env.by_composition(wanted, split=split)
    assert parts
    for name, part in parts.items():
        chain = tuple(name.split(">"))
        for index in range(3):
            task = part.task(split, len(chain), index)
            assert task.skills == chain
            assert task.env == env.name
            assert env.split_of(task.skills, task.depth, task.key, env.pairs(task)) == split
            assert env.score(task, env.solution(task)).correct


def test_every_environment_that_composes_has_parts():
    composing = [name for name in names() if type(load(name)).compose is not Environment.compose]
    assert set(composing) >= {"string_transform", "procedure"}
    assert not load("lego").by_composition()


def test_the_names_are_those_of_the_prerequisites():
    env = load("string_transform?preset=tiny&functions=common&common=6")
    parts = env.by_composition()
    graph = env.prerequisites((1, 2), draws=400)
    pairs = [name for name in parts if ">" in name]
    assert pairs
    assert set(pairs) <= set(graph)
    for name in pairs:
        assert set(graph[name]) == set(name.split(">"))
        assert set(graph[name]) <= set(parts)


def test_what_is_held_out_is_no_part_of_training():
    env = load("procedure")
    parts = env.by_composition(["move", "move>reverse", "reverse>move", "reverse>rotate"])
    assert list(parts) == ["move"]  # alone it is taught; composed it belongs to ood_skill
    assert list(env.by_composition(["move>reverse", "rotate>reverse"], split="ood_skill")) == [
        "move>reverse"
    ]
    for pair in pairwise(["double", "delete"]):
        assert list(env.by_composition([">".join(pair)], split="ood_pair"))


def test_a_part_is_made_again_of_its_spec():
    env = load("procedure?preset=tiny", seed=4)
    part = env.by_composition(["swap>double"])["swap>double"]
    assert part.spec.options["composition"] == "swap>double"
    assert pickle.loads(pickle.dumps(part)).task("train", 2, 5) == part.task("train", 2, 5)
    assert part.task("train", 2, 0) != env.task("train", 2, 0)
    assert load("procedure?preset=tiny", seed=4).task("train", 2, 0) == env.task("train", 2, 0)


def test_wrong_compositions_are_one_line():
    env = load("procedure")
    with pytest.raises(UnknownName, match="unknown skill of procedure 'swop'; did you mean 'swap'"):
        env.by_composition(["swop>double"])
    with pytest.raises(UserError, match="lego cannot ask 'a>b': it defines no `compose`"):
        load("lego", composition="a>b")
    with pytest.raises(UserError, match=r"compositions of .* skills are too many"):
        load("string_transform?functions=all").by_composition(sizes=(1, 2, 3))
    with pytest.raises(UserError, match="seems empty at level 1"):
        load("procedure", composition="swap>double").task("train", 1, 0)
