"""What holds of every environment that is registered, however it is called and whoever wrote it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rlskills.environments import Caps, Environment, Task, load, names, play
from rlskills.environments.conformance import check
from rlskills.environments.conformance.isolated import dressed
from rlskills.environments.environment import EmptySplit
from rlskills.errors import UserError

GOLDEN = Path(__file__).parents[1] / "golden"
JUNK = 10_000
SEEDS = range(100)
MORE = {
    "string_transform": (
        "preset=clean&functions=all&holdout_pairs=40&holdout_depth_above=4",
        "preset=tiny&functions=all&common=8&holdout_pairs=200",
        "preset=paper&functions=all&identity=program_and_input",
    )
}
"""Options under which splits are other ones, by name."""
SPECS = [
    f"{name}?{options}".rstrip("?") for name in names() for options in ("", *MORE.get(name, ()))
]


def places(env: Environment) -> list[tuple[str, int]]:
    """Splits and levels of an environment that hold something, at most five levels of each."""
    found = []
    levels = range(1, len(env.levels) + 1)
    for split in env.holdout.splits:
        for level in [*levels[:4], *levels[4:][-1:]]:
            try:
                env.task(split, level, 0, patience=0.5)
            except EmptySplit:
                continue
            found.append((split, level))
    return found


def drawn(spec: str, where: list[tuple[str, int]]) -> Iterator[Task]:
    for seed in SEEDS:
        env = load(spec, seed=seed)
        for split, level in where:
            for index in range(2):
                try:
                    yield env.task(split, level, index, patience=0.5)
                except EmptySplit:
                    break


@pytest.mark.parametrize("spec", SPECS)
def test_no_problem_is_in_two_splits_under_any_seed(spec: str):
    where = places(load(spec))
    assert {"train", "test"} <= {split for split, _ in where}
    owner: dict[str, str] = {}
    for task in drawn(spec, where):
        assert owner.setdefault(task.key, task.split) == task.split, task.to_json()
    assert set(owner.values()) == {split for split, _ in where}


@pytest.mark.parametrize("name", names())
def test_an_environment_draws_what_its_version_says(name: str, tmp_path: Path):
    """`rlskills env check NAME --golden tests/golden` writes the file of a new version."""
    committed = GOLDEN / f"{name}.json"
    if committed.is_file():
        shutil.copy(committed, tmp_path)
    findings = check(name, only=["golden"], golden=tmp_path)
    assert [one for one in findings if one.level == "failure"] == []
    written = (tmp_path / f"{name}.json").read_text()
    command = f"run `rlskills env check {name} --golden tests/golden` and commit {committed.name}"
    assert committed.is_file(), command
    assert json.loads(written) == json.loads(committed.read_text()), command


@pytest.mark.parametrize("name", names())
def test_no_junk_is_right_or_raises(name: str):
    findings = check(name, only=["junk", "injections"], junk=JUNK)
    assert [one for one in findings if one.level == "failure"] == []


HEDGES = ("0 or {x}", "{x} or {x}", "{x}, {x}", "{x} {x}", "{x}\n{x}", "not {x}", "")
"""Answers that name the right one, {x}, without giving it, and no answer."""


def reward(env: Environment, task: Task, completion: str) -> float:
    """In several turns, of saying it every time."""
    if not env.multi_turn:
        return env.score(task, completion).reward
    return play(env.start(task), lambda _: completion, Caps(turns=4)).score().reward


def in_presets() -> Iterator[str]:
    for name in names():
        yield name
        with suppress(UserError):
            load(name, preset="tiny")
            yield f"{name}?preset=tiny"


@pytest.mark.parametrize("spec", in_presets())
def test_a_hedge_is_not_a_right_answer(spec: str):
    env = load(spec)
    for task in (env.task("train", level, index) for level in (1, 2) for index in (0, 1)):
        right = env.answer_only(task)
        assert reward(env, task, right) == 1
        answer = task.answer or env.parse(right) or ""
        assert answer
        for hedge in (form.format(x=answer) for form in HEDGES):
            for said in dressed(env, task, hedge):
                assert reward(env, task, said) < 1, said


def test_what_a_golden_file_catches(tmp_path: Path):
    file = tmp_path / "made.py"
    text = """
from rlskills.environments import Draft, Environment

class Made(Environment):
    name = "made"

    def make(self, rng, cfg):
        return Draft(f"{rng.random()} + 0", "0")
"""
    file.write_text(text)
    golden = tmp_path / "golden"

    def found(path: Path) -> tuple[str, str]:
        (one,) = check(f"{path}:Made", only=["golden"], golden=golden)
        return one.level, one.message

    assert found(file)[1].startswith("version 1 had no digests yet; written")
    assert found(file)[1].startswith("version 1 draws what")
    changed = tmp_path / "changed.py"
    changed.write_text(text.replace("+ 0", "+ 1"))
    level, message = found(changed)
    assert level == "failure"
    assert "raise `version`" in message
    newer = tmp_path / "newer.py"
    newer.write_text(changed.read_text().replace("name =", "version = 2; name ="))
    assert found(newer)[1].startswith("version 2 had no digests yet; written")
    assert found(file)[1].startswith("version 1 had no digests yet")  # going back is a new start


def test_names_cover_what_is_shipped():
    assert "string_transform" in names()
    with pytest.raises(UserError):
        load("string_transfrom")
