"""An environment keeps what it was made from, however it was made, and is made of it again."""

from __future__ import annotations

import json
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from rlskills.environments import Draft, Environment, load, names, off_stream
from rlskills.environments.registry import find
from rlskills.environments.seeding import stream_key
from rlskills.errors import UserError
from rlskills.spec import Spec

FILE = '''
import random
from dataclasses import dataclass
from rlskills.environments import Draft, Environment

class Sum(Environment):
    """Add."""

    trusted_grader = False
    reward_components = ("short",)

    @dataclass(frozen=True)
    class Config(Environment.Config):
        largest: int = 9
        signs: tuple[str, ...] = ("+",)

    def __init__(self, *, word: str = "plus", **options):
        super().__init__(**options)
        self.word = word

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        a, b = rng.randint(0, cfg.largest), rng.randint(0, cfg.largest)
        return Draft(f"{a} {self.word} {b}", str(a + b))

    def component_scores(self, task, answer):
        return {"short": float(len(answer) < 2)}
'''


@dataclass(frozen=True)
class Options(Environment.Config):
    size: int = 1
    rate: float = 0.5
    names: tuple[str, ...] = ()
    shown: bool = off_stream(False)


class Local(Environment):
    """Draw a number."""

    Config = Options

    def make(self, rng: random.Random, cfg: Options) -> Draft:
        return Draft(f"{rng.random()} {cfg.names}", "0")


def ways(env: Environment) -> dict[str, Callable[[], Environment]]:
    data = json.dumps(env.spec.to_json())
    return {
        "spec": lambda: load(env.spec),
        "text": lambda: load(str(env.spec)),
        "JSON": lambda: load(Spec.from_json(json.loads(data))),
        "pickle": lambda: pickle.loads(pickle.dumps(env)),
        "options": lambda: env.with_options(),
    }


def same(one: Environment, other: Environment) -> None:
    assert type(one) is type(other)
    assert (one.name, one.seed, one.weights, one.configs, one.holdout, one.spec) == (
        other.name, other.seed, other.weights, other.configs, other.holdout, other.spec
    )  # fmt: skip
    assert one.task("train", 1, 3) == other.task("train", 1, 3)


@pytest.mark.parametrize("name", names())
def test_every_registered_environment_is_made_again(name: str):
    env = load(name, seed=3, reward={"answer": 1.0, "format": 0.1})
    assert env.spec.name == name
    for make in ways(env).values():
        same(make(), env)


def test_all_options_of_a_class_call_are_kept():
    env = Local(size=3, rate=1, names=["a,b", "c"], shown=True, seed=7, reward="paper")
    assert dict(env.spec.options) == {
        "size": 3, "rate": 1.0, "names": ("a,b", "c"), "shown": True, "seed": 7, "reward": "paper",
    }  # fmt: skip
    for make in ways(env).values():
        same(make(), env)


def test_a_file_keeps_its_own_options_and_grades_alike_elsewhere(tmp_path: Path):
    path = tmp_path / "sum.py"
    path.write_text(FILE)
    reward = {"answer": 1.0, "short": 0.5, "malformed": -2.0}
    env: Any = load(f"{path}:Sum?word=and&largest=3", signs=["+", "-"], reward=reward)
    assert env.word == "and"
    assert dict(env.spec.options) == {
        "word": "and", "largest": 3, "signs": ("+", "-"), "reward": reward,
    }  # fmt: skip
    for make in ways(env).values():
        again: Any = make()
        same(again, env)
        assert again.word == "and"
    task = env.task("train", 1, 0)
    scores = env.scores([task, task], [env.answer_only(task), "none"])  # graded in a worker
    assert [score.reward for score in scores] == [1.5, -2.0]


def test_a_pickle_is_read_by_a_fresh_process(tmp_path: Path):
    path = tmp_path / "sum.py"
    path.write_text(FILE)
    env = load(f"{path}:Sum?largest=3", seed=4)
    (tmp_path / "env.pickle").write_bytes(pickle.dumps(env))
    code = (
        "import pickle, sys; env = pickle.load(open('env.pickle', 'rb'));"
        "print(env.spec, env.task('train', 1, 0).text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{env.spec} {env.task('train', 1, 0).text}"


def test_a_copy_of_what_a_script_defines_is_of_the_same_class(tmp_path: Path):
    path = tmp_path / "script.py"
    path.write_text(
        FILE + "import copy, pickle\nenv = Sum(largest=3)\nprint(env.spec.name)\n"
        "print(type(copy.deepcopy(env)) is type(pickle.loads(pickle.dumps(env))) is Sum)\n"
    )
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [f"{path.resolve()}:Sum", "True"]


def test_loading_changes_no_class(tmp_path: Path):
    path = tmp_path / "sum.py"
    path.write_text(FILE)
    cls: Any = find(f"{path}:Sum")
    before = dict(vars(cls))
    made = cls()
    load(f"{path}:Sum?largest=3")
    assert dict(vars(cls)) == before
    assert made.name == "Sum"
    assert made.task("train", 1, 0) == load(f"{path}:Sum").task("train", 1, 0)


def test_an_option_that_no_text_holds_is_one_line():
    class Loose(Local):
        def __init__(self, *, table: object = None, **options: Any) -> None:
            super().__init__(**options)

    env = Loose(table=object())
    with pytest.raises(UserError, match=r"option 'table' of .* must be a plain value"):
        str(env.spec)


class Loud(str):
    def __repr__(self) -> str:
        return f"Loud at {id(self)}"


class Colour(Enum):
    RED = "red"

    def __repr__(self) -> str:
        return "whatever"


def test_how_a_type_shows_itself_does_not_decide_the_stream():
    assert stream_key(Options(names=(Loud("a"),))) == stream_key(Options(names=("a",)))

    @dataclass(frozen=True)
    class Shown(Options):
        colour: Colour = Colour.RED

        def __repr__(self) -> str:
            return f"Shown at {id(self)}"

    assert stream_key(Shown(size=2)) == stream_key(Shown(size=2))
    assert stream_key(Shown(size=2)) != stream_key(Shown(size=3))


def test_a_key_is_what_plain_options_had_before():
    assert stream_key(Options(3, 0.5, ("a",), True)) == "Options(size=3, rate=0.5, names=('a',))"


def test_fields_off_the_stream_draw_the_same_problems():
    assert Local(shown=True).task("train", 1, 0) == Local().task("train", 1, 0)
    assert Local(size=2).task("train", 1, 0) != Local().task("train", 1, 0)


def test_a_type_without_a_text_is_refused():
    @dataclass(frozen=True)
    class Odd(Options):
        odd: Any = object

    with pytest.raises(UserError, match=r"Odd\.odd is of type object"):
        stream_key(Odd(odd=object()))
