"""Hold-outs of `string_transform` by pair and depth, what makes a problem the same, balance."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest

from rlskills.environments import Environment, Task, load
from rlskills.environments.environment import EmptySplit
from rlskills.errors import UserError
from rlskills_envs.string_transform.environment import StringTransform
from rlskills_envs.string_transform.expression import Call, Concat, Input, Method, pairs
from rlskills_envs.string_transform.plan import can_own

HELD = "string_transform?holdout_pairs=60&holdout_depth_above=3"


def drawn(env: Environment, split: str, level: int, count: int) -> list[Task]:
    return list(islice(env.tasks(split, level), count))


@pytest.mark.parametrize(
    "options", ["functions=train", "functions=all", "preset=tiny&functions=all", "binary_prob=0.5"]
)
def test_each_split_holds_what_it_owns(options: str):
    env = load(f"{HELD}&{options}")
    held = env.holdout.pairs
    assert len(held) == 60
    for split in env.holdout.splits:
        for level in (2, 3, 4):
            if not can_own(env.config(level), env.holdout, split):
                continue
            for task in drawn(env, split, level, 25):
                found = held.intersection(env.pairs(task))
                assert bool(found) == (split == "ood_pair") or split == "ood_skill"
                assert (level > 3) == (split == "ood_depth") or split.startswith("ood_")
                assert env.holdout.skills.isdisjoint(task.skills) == (split != "ood_skill")
                assert env.score(task, env.solution(task)).correct


@pytest.mark.parametrize("functions", ["train", "all", "held_out"])
def test_what_cannot_be_owned_is_known_without_a_search(functions: str, monkeypatch):
    env = load(f"{HELD}&functions={functions}")
    monkeypatch.setattr(StringTransform, "make", lambda *_: pytest.fail("searched"))
    empty = {
        (split, level)
        for split in env.holdout.splits
        for level in range(1, 9)
        if not can_own(env.config(level), env.holdout, split)
    }
    for split, level in empty:
        with pytest.raises(EmptySplit, match=f"{split!r} is empty at level {level}"):
            env.task(split, level, 0)
    monkeypatch.undo()
    for split in env.holdout.splits:  # and everything else is found
        for level in range(1, 9):
            if (split, level) not in empty:
                assert env.task(split, level, 0).split == split


def test_one_environment_never_trains_on_what_another_holds_out():
    all_, train = load(f"{HELD}&functions=all"), load(f"{HELD}&functions=train")
    assert all_.holdout.pairs == train.holdout.pairs
    # More pairs held out are still those of fewer, so that runs can be compared.
    assert load("string_transform?holdout_pairs=20").holdout.pairs < train.holdout.pairs
    assert load(f"{HELD}&functions=held_out").holdout.pairs == frozenset()


def test_most_pairs_may_be_held_out():
    unary = 10  # training functions of the clean preset with one operand
    env = load(f"string_transform?holdout_pairs={unary * unary - 2}")
    for level in (2, 3):
        for task in drawn(env, "ood_pair", level, 10):
            assert env.holdout.pairs.intersection(pairwise(task.skills))
    for task in drawn(env, "train", 2, 20) + drawn(env, "test", 2, 20):
        assert env.holdout.pairs.isdisjoint(pairwise(task.skills))


def test_pairs_can_be_named():
    env = load("string_transform?holdout_pairs=func_3>func_9, func_9>func_9")
    assert env.holdout.pairs == {("func_3", "func_9"), ("func_9", "func_9")}
    for task in drawn(env, "ood_pair", 2, 10):
        assert task.data["expression"] in ("func_9(func_3(x))", "func_9(func_9(x))")
    assert all(
        "func_9(func_3(" not in task.data["expression"] for task in drawn(env, "train", 3, 200)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("holdout_pairs=func_3", "must be a number or pairs f>g"),
        ("holdout_pairs=func_3>func_9>func_9", "must be a number or pairs f>g"),
        ("holdout_pairs=func_3>funk_9", "unknown function of preset 'clean' 'funk_9'; did you"),
        ("holdout_pairs=-1", "must be a number or pairs f>g"),
        ("holdout_pairs=100", "leaves none of 100 pairs"),
        ("holdout_depth_above=-1", "holdout_depth_above must be 0 or more"),
        ("preset=tiny&mode=copy&holdout_pairs=1", "composes nothing"),
        ("identity=input", "identity of string_transform 'input'"),
    ],
)
def test_hold_outs_that_are_refused(options: str, message: str):
    with pytest.raises(UserError, match=message):
        load(f"string_transform?{options}")


def test_pairs_of_a_tree_are_parents_and_children():
    f = Call("f", (Input(),))
    g = Call("g", (Method("upper", f),))
    tree = Call("h", (Concat(g, Input()), Call("f", (Input(),))))
    assert pairs(tree) == (("f", "g"), ("g", "h"), ("f", "h"))
    assert pairs(Input()) == pairs(f) == ()


def test_hold_outs_in_trees_look_at_the_tree():
    """In weave(f(x), g(x)) g takes nothing of f, but weave takes what both return."""
    env = load("string_transform?preset=paper&binary_prob=0.9&holdout_pairs=func_3>func_20")
    tasks = drawn(env, "train", 2, 300)
    assert all("func_20(func_3(" not in task.data["expression"] for task in tasks)
    assert any(("func_3", "func_20") in pairwise(task.skills) for task in tasks) or tasks
    for task in drawn(env, "ood_pair", 2, 10):
        assert "func_3" in task.data["expression"]
        assert Task.from_json(task.to_json()) == task
        assert env.holdout.pairs.intersection(env.pairs(task))


def test_identity_by_program_and_input_tests_new_inputs_of_known_programs():
    strict, loose = load("string_transform"), load("string_transform?identity=program_and_input")
    keys: dict[str, set[str]] = {}
    for split in ("train", "test"):
        for task in drawn(loose, split, 2, 400):
            assert keys.setdefault(task.key, {split}) == {split}
    known = {task.data["expression"] for task in drawn(loose, "train", 2, 2000)}
    tested = {task.data["expression"] for task in drawn(loose, "test", 2, 300)}
    assert len(known & tested) > 50
    assert {task.key for task in drawn(strict, "train", 2, 50)}.isdisjoint(keys)
    known = {task.data["expression"] for task in drawn(strict, "train", 2, 2000)}
    assert known.isdisjoint(task.data["expression"] for task in drawn(strict, "test", 2, 300))


@pytest.mark.parametrize("options", ["preset=paper", "preset=clean&binary_prob=0.2"])
@pytest.mark.parametrize("level", [1, 2])
def test_balance_draws_every_function_equally_often(options: str, level: int):
    env = load(f"string_transform?functions=train&balance=true&{options}")
    counts = Counter(name for task in drawn(env, "train", level, 2000) for name in task.skills)
    mean = sum(counts.values()) / len(counts)
    assert len(counts) == (13 if "paper" in options else 10)
    for name, count in counts.items():
        assert count == pytest.approx(mean, rel=0.25), name


def test_without_balance_the_paper_prefers_the_function_of_two_operands():
    env = load("string_transform?preset=paper")
    counts = Counter(name for task in drawn(env, "train", 1, 2000) for name in task.skills)
    assert counts["func_20"] > 1.25 * sum(counts.values()) / len(counts)
