"""What all environments in two presets share: problems, splits, what the tiny model can read."""

from __future__ import annotations

import string
from collections.abc import Iterator
from itertools import pairwise

import pytest

from rlskills.environments import Task, load
from rlskills.environments.conformance import check
from rlskills.errors import UnknownName, UserError
from rlskills_envs.presets import PresetEnvironment

NAMES = ("arithmetic", "countdown", "graph_path", "hierarchy", "lego", "procedure")
VARIANTS = [
    *((name, "") for name in NAMES),
    ("countdown", "use=subset"),
    *(("lego", f"group={group}&clauses=5") for group in ("z5", "s3")),
    ("graph_path", "branching=2&dead_end=1&joining=0.5"),
    *(("arithmetic", f"operation={one}&reversed=1") for one in ("add", "multiply", "chain")),
    ("arithmetic", "operation=chain"),
    ("hierarchy", "facts=shown"),
    ("procedure", "kind=list"),
]


def environment(name: str, options: str = "", **more: object) -> PresetEnvironment:
    env = load(f"{name}?{options}", **more)
    assert isinstance(env, PresetEnvironment)
    return env


def drawn(env: PresetEnvironment, count: int) -> Iterator[Task]:
    """Tasks of every level from the split that measures it, and of training where there is any."""
    limit = env.holdout.depth_above or len(env.levels)
    for level in range(1, len(env.levels) + 1):
        for split in {env.evaluation_split(level), "train" if level <= limit else "ood_depth"}:
            yield from (env.task(split, level, index) for index in range(count))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_both_presets_ask_the_same_problems_and_know_their_answers(name: str, options: str):
    chat, tiny = (environment(name, options, preset=preset) for preset in ("chat", "tiny"))
    pairs = list(zip(drawn(chat, 3), drawn(tiny, 3), strict=True))
    for one, other in pairs:
        assert (one.key, one.split, one.skills, one.depth) == (
            other.key, other.split, other.skills, other.depth,
        )  # fmt: skip
        assert one.depth == one.level
        for env, task in ((chat, one), (tiny, other)):
            for text in (env.solution(task), env.answer_only(task)):
                score = env.score(task, text)
                assert (score.correct, score.reward, score.status) == (True, 1.0, "ok"), text
            assert not env.score(task, task.text).correct
            assert not env.score(task, task.answer or "").correct
        # Nobody gets around the form that is asked for by giving the other one.
        assert not chat.score(one, tiny.solution(other)).correct
        assert not tiny.score(other, chat.solution(one)).correct


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_conformance(name: str, options: str):
    quick = ["draws", "oracle", "truncated", "copies", "exchanged answers", "redrawn", "hold-outs"]
    findings = check(f"{name}?{options}", tasks=1, draws=40, only=quick)
    assert [found for found in findings if found.level != "ok"] == []


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_the_tiny_model_can_read_and_answer(name: str, options: str):
    env = environment(name, options, preset="tiny")
    long = "multiply" in options  # n digits take n times n steps
    for task in drawn(env, 3):
        assert set(task.text) <= set(string.printable)
        if task.level <= (3 if long else 6):
            assert len(task.text) + len(env.solution(task)) < 512


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_deep_problems_are_never_trained_on(name: str, options: str):
    env = environment(name, options, train_depth=2)
    assert [env.evaluation_split(level) for level in (1, 2, 3)] == ["test", "test", "ood_depth"]
    assert env.task("ood_depth", 3, 0).depth == 3
    with pytest.raises(UserError, match="is empty at level 3"):
        env.task("train", 3, 0)
    free = environment(name, options, train_depth=0)
    assert "ood_depth" not in free.holdout.splits
    last = len(free.levels)
    if "chain" not in options:  # a long one with none of the pairs held out is too rare
        assert free.task("train", last, 0).depth == last


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_all_skills_are_named_and_used(name: str, options: str):
    env = environment(name, options)
    used = {skill for task in drawn(env, 12) for skill in task.skills}
    assert used <= set(env.skills())
    assert set(env.skills()) - used <= env.holdout.skills
    for task in drawn(env, 3):
        if task.split in ("train", "test") and task.depth > 1:
            assert env.holdout.skills.isdisjoint(task.skills)
            assert env.holdout.pairs.isdisjoint(pairwise(task.skills))


@pytest.mark.parametrize("name", NAMES)
def test_options_that_are_refused(name: str):
    with pytest.raises(UnknownName, match="did you mean 'tiny'"):
        load(name, preset="tinny")
    for wrong in (-1, 1.5, True, "two"):
        with pytest.raises(
            UserError, match=r"train_depth(=.* is not of type int| must be a whole number from 0)"
        ):
            load(name, train_depth=wrong)


def test_the_tiny_answer_is_what_stands_behind_the_last_mark():
    env = environment("countdown", preset="tiny")
    parsed = [
        env.parse(text) for text in ("1+1=2;#1+1", "#3#1+1 ", "1+1", "#", "", "1#\n ", "#" * 9)
    ]
    assert parsed == ["1+1", "1+1", None, None, None, None, None]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_strictly_in_form(name: str):
    chat, tiny = (environment(name, preset=preset) for preset in ("chat", "tiny"))
    one, other = chat.task("train", 1, 0), tiny.task("train", 1, 0)
    for env, task in ((chat, one), (tiny, other)):
        assert env.score(task, env.solution(task)).parts["format"] == 1.0
        twice = env.score(task, env.answer_only(task) * 2)
        assert (twice.correct, twice.parts["format"]) == (True, 0.0)
    thought = chat.score(one, f"<think>so</think>{chat.answer_only(one)}")
    assert (thought.correct, thought.parts["format"]) == (True, 1.0)
