"""Tasks of `string_transform`: who owns them, what they look like, which options are refused."""

from __future__ import annotations

import os
import pickle
import random
import re
import subprocess
import sys
from collections import Counter
from itertools import islice
from typing import Any

import pytest

from rlskills.environments import Draft, Environment, Task, digest, load
from rlskills.errors import UnknownName, UserError
from rlskills_envs.string_transform import FUNCTIONS, TINY_FUNCTIONS, StringTransform
from rlskills_envs.string_transform.functions import definition
from rlskills_envs.string_transform.tiny_functions import tiny_set

PRESET_SETS = [
    *((preset, name) for preset in ("paper", "clean") for name in ("all", "train", "held_out")),
    *(("tiny", name) for name in ("all", "common", "train", "held_out")),
]


def drawn(env: Environment, split: str, level: int, count: int) -> list[Task]:
    return list(islice(env.tasks(split, level), count))


def splits_of(functions: str, level: int) -> list[str]:
    """Splits in which a set of functions has tasks."""
    if level == 1 or functions in ("train", "common"):
        return ["train", "test"]
    return ["ood_skill"] if functions == "held_out" else ["train", "test", "ood_skill"]


# Splits.


@pytest.mark.parametrize("preset", ["paper", "clean", "tiny", "letters"])
@pytest.mark.parametrize("level", [1, 2, 4])
def test_splits_share_no_problem_whatever_the_seed(preset: str, level: int) -> None:
    owners: dict[str, set[str]] = {}
    for seed in range(3):
        for functions in ("all", "train", "held_out"):
            env = StringTransform(preset=preset, functions=functions, seed=seed)
            for split in splits_of(functions, level):
                for task in drawn(env, split, level, 40):
                    owners.setdefault(task.key, set()).add(split)
    assert all(len(splits) == 1 for splits in owners.values())
    assert len(owners) > (40 if preset == "letters" else 100)


@pytest.mark.parametrize("preset", ["paper", "clean", "tiny", "letters"])
def test_training_never_composes_a_held_out_function(preset: str) -> None:
    env = StringTransform(preset=preset, functions="all")
    held_out = env.holdout.skills
    for split in ("train", "test"):
        for level in (2, 3):
            for task in drawn(env, split, level, 50):
                assert held_out.isdisjoint(task.skills)
        alone = {name for task in drawn(env, split, 1, 600) for name in task.skills}
        assert alone & held_out
        assert alone - held_out
    for task in drawn(env, "ood_skill", 2, 50):
        assert not held_out.isdisjoint(task.skills)


@pytest.mark.parametrize(("preset", "functions"), PRESET_SETS)
def test_calls_are_of_the_set_asked_for(preset: str, functions: str) -> None:
    env = StringTransform(preset=preset, functions=functions)
    everything = StringTransform(preset=preset, functions="all").holdout.skills
    # Where no held-out function can be drawn there is nothing to hold out.
    assert env.holdout.skills == (everything if functions in ("all", "held_out") else frozenset())
    for level in (1, 3):
        for task in drawn(env, env.evaluation_split(level), level, 40):
            if functions == "held_out":
                assert set(task.skills) <= everything
            elif functions in ("train", "common"):
                assert everything.isdisjoint(task.skills)


@pytest.mark.parametrize("functions", ["all", "train", "held_out", "common"])
def test_evaluation_split(functions: str) -> None:
    env = StringTransform(preset="tiny", functions=functions)
    assert [env.evaluation_split(level) for level in (1, 2, 8)] == (
        ["test", "ood_skill", "ood_skill"] if functions == "held_out" else ["test"] * 3
    )


def test_common_functions_are_composed_in_training() -> None:
    env = StringTransform(preset="tiny", functions="all", common=48)
    train = StringTransform(preset="tiny", functions="train", common=48)
    own = {name for task in drawn(train, "train", 2, 200) for name in task.skills}
    assert len(own) == 8
    used = Counter(name for task in drawn(env, "train", 3, 1000) for name in task.skills)
    assert len(used) == 56
    assert own < set(used)
    assert sum(used[name] for name in own) / 3000 == pytest.approx(8 / 56, abs=0.04)


@pytest.mark.parametrize("preset", ["clean", "tiny", "letters", "paper"])
def test_what_makes_a_problem_the_same(preset: str) -> None:
    env = StringTransform(preset=preset, functions="all")
    alone: dict[str, set[str]] = {}
    for task in drawn(env, "train", 1, 400) + drawn(env, "train", 2, 400):
        data = task.data
        content = [data["expression"]]
        if task.depth == 1 and data["uses_input"]:
            content = [[data["expression"], data["input"]]]
        assert task.key == digest(env.name, env.version, *content)
        alone.setdefault(task.key, set()).add(task.text)
    assert any(len(texts) > 1 for texts in alone.values())  # one program, several inputs


@pytest.mark.parametrize("preset", ["paper", "clean"])
def test_all_functions_at_the_deepest_level_need_few_draws(preset: str) -> None:
    class Counting(StringTransform):
        draws = 0

        def make(self, rng: random.Random, cfg: Any) -> Draft:
            self.draws += 1
            return super().make(rng, cfg)

    env = Counting(preset=preset, functions="all")
    for split, share in {"train": 0.4, "test": 0.1, "ood_skill": 0.5}.items():
        env.draws = 0
        drawn(env, split, 8, 40)
        assert env.draws == pytest.approx(40 / share, rel=0.5)


# Shapes.


@pytest.mark.parametrize(("preset", "functions"), PRESET_SETS)
def test_task_survives_json_and_pickle(preset: str, functions: str) -> None:
    env = StringTransform(preset=preset, functions=functions)
    for level in range(1, 9):
        task = env.task(env.evaluation_split(level), level, 5)
        assert Task.from_json(task.to_json()) == task == pickle.loads(pickle.dumps(task))
        assert task == env.task(task.split, level, 5)
        assert task.depth == level == env.config(level).depth
        assert task.data["calls"] == len(task.skills)
        assert task.data["steps"][-1][1] == task.answer
        assert env.score(Task.from_json(task.to_json()), env.solution(task)).correct


def test_tiny_shapes() -> None:
    for functions in ("all", "common", "train", "held_out"):
        env = StringTransform(preset="tiny", functions=functions)
        for level in (1, 2, 5):
            for task in drawn(env, env.evaluation_split(level), level, 20):
                outer = "".join(f"{name}(" for name in reversed(task.skills))
                assert re.fullmatch("[a-h]{3,5}", task.data["input"])
                assert task.prompt == f"{outer}{task.data['input']}{')' * level}?"
                value, lines = task.data["input"], []
                for name in task.skills:
                    lines.append(f"{name}({value})={TINY_FUNCTIONS[name](value)}")
                    value = TINY_FUNCTIONS[name](value)
                assert env.solution(task) == ";".join(lines) + f";#{value}"
                assert env.answer_only(task) == f"#{value}"


def test_steps_of_a_composition_look_like_single_calls() -> None:
    env = StringTransform(preset="tiny")
    for task in drawn(env, "train", 3, 20):
        *lines, _ = env.solution(task).split(";")
        for line in lines:
            assert re.fullmatch(r"F\d\d\([a-h]+\)=[a-h]+", line)
    env = StringTransform(preset="clean", functions="all")
    for task in drawn(env, "ood_skill", 3, 20):
        *lines, last = env.solution(task).splitlines()
        assert last == env.answer_only(task)
        assert len(lines) == 3
        for line in lines:
            call, value = line.split(" = ")
            assert eval(call, {}, dict(FUNCTIONS)) == eval(value)  # our own text


def test_copy_mode() -> None:
    solve = StringTransform(preset="tiny", functions="all")
    copy = StringTransform(preset="tiny", functions="all", mode="copy")
    task = copy.task("train", 2, 0)
    assert re.fullmatch(r'F\d\d\(F\d\d\([a-h]+\)\)"', task.text)
    assert task.text == f'{task.answer}"'
    assert copy.solution(task) == copy.answer_only(task) == task.answer
    # Copying composes nothing, so nothing is held out; but it is never the same problem as solving.
    assert copy.holdout.splits == ("train", "test")
    held_out = set(tiny_set("held_out", 32))
    drawn = [copy.task("train", 3, index) for index in range(40)]
    assert any(held_out.intersection(task.skills) for task in drawn)
    solved = {solve.task("train", 2, index).key for index in range(200)}
    assert not solved & {copy.task("train", 2, index).key for index in range(200)}


@pytest.mark.parametrize(("preset", "functions"), PRESET_SETS[:6])
def test_prompts_show_the_program_and_the_input(preset: str, functions: str) -> None:
    env = StringTransform(preset=preset, functions=functions)
    for task in drawn(env, "train", 1, 50):
        assert isinstance(task.prompt, str)
        assert len(task.prompt) < 400
        assert f"def main_solution(x):\n    return {task.data['expression']}\n" in task.prompt
        assert f"x = {task.data['input']!r}" in task.prompt
        assert task.prompt.count("def ") == 1
        assert '"output"' in task.prompt


def test_definitions_are_shown_once_and_in_order() -> None:
    env = StringTransform(functions="all", show_definitions=True)
    hidden = StringTransform(functions="all")
    for task in drawn(env, "ood_skill", 4, 40):
        used = sorted(set(task.skills), key=lambda name: int(name.removeprefix("func_")))
        shown = re.findall(r"^def (\w+)\(", task.text, re.MULTILINE)
        assert shown == [*used, "main_solution"]
        assert all(definition(name) in task.text for name in used)
    # The same problem has one owner, whether its definitions are shown or not.
    keys = {task.data["expression"]: task.key for task in drawn(env, "train", 2, 300)}
    same = [task for task in drawn(hidden, "train", 2, 300) if task.data["expression"] in keys]
    assert len(same) > 50
    assert all(keys[task.data["expression"]] == task.key for task in same)


# Determinism.

SCRIPT = """
import random
random.seed({disturb})
from rlskills.environments import digest
from rlskills_envs.string_transform import StringTransform
for options in ({{"show_definitions": True, "functions": "all"}}, {{"preset": "paper"}},
                {{"preset": "tiny", "functions": "held_out"}}, {{"binary_prob": 0.4}}):
    env = StringTransform(seed=7, **options)
    addresses = [(env.evaluation_split(n), n, i) for n in (1, 2, 4) for i in range(5)]
    print(digest([env.task(*one).to_json() for one in addresses]))
"""


def test_tasks_do_not_depend_on_the_process() -> None:
    digests = set()
    for hash_seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        script = SCRIPT.format(disturb=hash_seed)
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().split()) == 4


def test_tasks_do_not_depend_on_the_order_of_access_or_on_global_state() -> None:
    one, two = StringTransform(seed=3), StringTransform(seed=3)
    first = [one.task("train", 2, index) for index in range(20)]
    random.seed(99)
    assert first == [two.task("train", 2, index) for index in reversed(range(20))][::-1]
    other = StringTransform(seed=4)
    assert first != [other.task("train", 2, index) for index in range(20)]


# Options.


def test_it_is_registered() -> None:
    env = load("string_transform?preset=tiny&functions=common&common=8", seed=1)
    assert isinstance(env, StringTransform)
    assert (env.base.preset, env.base.functions, env.base.common) == ("tiny", "common", 8)
    assert load("string_transform?show_definitions=true").config(3).show_definitions is True
    described = env.describe()
    assert described["levels"] == 8
    assert described["splits"] == ["train", "test"]  # common functions hold nothing out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "tinny"}, "did you mean 'tiny'"),
        ({"functions": "common"}, r"preset 'clean' 'common'.*known: all, train, held_out"),
        ({"preset": "paper", "functions": "common"}, "known: all, train, held_out"),
        ({"preset": "tiny", "functions": "eval"}, "known: all, common, train, held_out"),
        ({"mode": "cpoy"}, "did you mean 'copy'"),
    ],
)
def test_unknown_names_list_the_known(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        StringTransform(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "copy"}, "needs preset='tiny'"),
        ({"preset": "tiny", "show_definitions": True}, "no definitions"),
        ({"preset": "tiny", "binary_prob": 0.1}, "chains only"),
        ({"preset": "tiny", "common": 63}, "common must be a whole number from 0 to 62, not 63"),
        ({"preset": "tiny", "common": -1}, "common must be"),
        ({"preset": "tiny", "common": 0, "functions": "common"}, "is empty with common=0"),
        ({"depth": 0}, "depth must be a whole number from 1, not 0"),
        ({"depth": "2.5"}, "option depth=.2.5. is not of type int"),
        ({"depth": True}, "option depth=True is not of type int"),
        ({"binary_prob": 1.5}, r"binary_prob must be in \[0, 1\]"),
        ({"binary_prob": -0.5}, "binary_prob must be"),
        ({"binary_prob": float("nan")}, "option binary_prob=nan is not of type float"),
        ({"binary_prob": "half"}, "option binary_prob=.half. is not of type float"),
        ({"longest": 2}, "longest must be 0, or a whole number from 3 to 100, not 2"),
        ({"longest": 4.5}, r"option longest=4\.5 is not of type int"),
        ({"levels": 3}, "option of string_transform 'levels'"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        StringTransform(**options)


def test_binary_prob_overrides_the_preset() -> None:
    chains = StringTransform(preset="paper", binary_prob=0.0)
    assert all("+" not in t.data["expression"] for t in drawn(chains, "train", 3, 50))
    trees = StringTransform(binary_prob=1.0)
    for task in drawn(trees, "train", 3, 20):
        assert task.data["expression"].count("+") == 7
        assert trees.score(task, trees.solution(task)).correct


def test_longest_widens_what_single_calls_are_asked_on() -> None:
    def lengths(longest: int = 0) -> set[int]:
        env = StringTransform(preset="tiny", longest=longest)
        return {len(env.task("train", 1, i).data["input"]) for i in range(200)}

    assert lengths() == {3, 4, 5}
    assert lengths(longest=7) == {3, 4, 5, 6, 7}
    assert lengths(longest=3) == {3}
