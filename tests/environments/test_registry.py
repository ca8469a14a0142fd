"""Environments are found by name, by file and by module, and errors say what helps."""

import importlib.metadata
import pickle
import random
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from rlskills.environments import Draft, Environment, find, load, names, register
from rlskills.environments.environment import ENVIRONMENTS
from rlskills.errors import UnknownName, UserError

FILE = '''
import random
from dataclasses import dataclass
from rlskills.environments import Draft, Environment, register

@register("{name}")
class Coin(Environment):
    """Toss."""

    @dataclass(frozen=True)
    class Config(Environment.Config):
        sides: int = 2
        loud: bool = False
        weight: float = 0.5
        mode: str = "plain"

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        return Draft(f"toss {{rng.random()}}", str(rng.randrange(cfg.sides)))

class Unnamed(Coin):
    """Not registered."""
'''


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """A registry that forgets what a test registers."""
    found = dict(ENVIRONMENTS.registered)
    monkeypatch.setattr(ENVIRONMENTS, "registered", found)
    return found


@pytest.fixture
def write(tmp_path):
    def write(file, text):
        path = tmp_path / file
        path.write_text(text)
        return path

    return write


class Here(Environment):
    """An environment of this module."""

    @dataclass(frozen=True)
    class Config(Environment.Config):
        size: int = 1

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        return Draft(str(rng.random()), "0")


class Offered(Here):
    """An environment that only an entry point names."""


def test_a_registered_name_is_found():
    assert register("here_it_is")(Here) is Here
    assert find("here_it_is") is Here
    assert "here_it_is" in names()
    assert load("here_it_is", size=3).base.size == 3


def test_registering_the_same_definition_again_is_fine():
    register("again")(Here)
    register("again")(Here)


def test_a_name_taken_by_another_file_names_both(write):
    one, other = (write(file, FILE.format(name="coin")) for file in ("one.py", "other.py"))
    find(f"{one}:Coin")
    with pytest.raises(UserError) as caught:
        find(f"{other}:Coin")
    assert "'coin' is taken" in str(caught.value)
    assert str(one) in str(caught.value)
    assert str(other) in str(caught.value)


def test_what_is_typed_at_a_prompt_can_be_registered_twice():
    class Typed(Here):
        pass

    Typed.__module__ = "__main__"  # as in a notebook, where no file has the source
    register("typed")(Typed)
    register("typed")(Typed)


def test_a_wrong_level_fails_on_registration():
    class Wrong(Here):
        levels = ({"sise": 1},)

    with pytest.raises(UserError, match="did you mean 'size'"):
        register("wrong_level")(Wrong)
    assert "wrong_level" not in names()


def test_an_unknown_name_gets_the_nearest_and_the_list():
    register("string_sorting")(Here)
    with pytest.raises(UnknownName, match=r"did you mean 'string_sorting'.*known: .*string_sort"):
        find("string_sortin")


def test_a_class_of_a_file(write):
    path = write("coin.py", FILE.format(name="coin_of_file"))
    env = load(f"{path}:Coin")
    assert env.name == "coin_of_file"
    assert find(f"{path}:Coin") is type(env)  # imported once
    task = env.task("train", 1, 0)
    assert pickle.loads(pickle.dumps(task)) == task
    assert pickle.loads(pickle.dumps(env)).task("train", 1, 0) == task


def test_a_class_without_a_name_is_named_after_itself(write):
    text = FILE.format(name="base").replace('@register("base")\n', "")
    assert load(f"{write('plain.py', text)}:Coin").name == "Coin"


def test_a_class_of_a_module(write, monkeypatch):
    write("module_of_test.py", FILE.format(name="coin_of_module"))
    monkeypatch.syspath_prepend(str(write("x", "").parent))
    env = load("module_of_test:Coin", sides=3)
    assert env.name == "coin_of_module"
    assert str(env.spec) == "module_of_test:Coin?sides=3"
    del sys.modules["module_of_test"]


@pytest.mark.parametrize(
    ("suffix", "message"),
    [
        (":Coyn", r"unknown environment class .*'Coyn'; did you mean 'Coin'.*Coin, Unnamed"),
        (":random", "unknown environment class"),
        (":dataclass", "unknown environment class"),
        (":", r"name the class in .*coin\.py too, as in .*coin\.py:Coin"),
        ("", r"name the class in .*coin\.py too, as in .*coin\.py:Coin"),
    ],
)
def test_a_class_that_is_not_in_the_file(write, suffix, message):
    path = write("coin.py", FILE.format(name="coin_missing"))
    with pytest.raises(UserError, match=message):
        find(f"{path}{suffix}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import no_such_module_here",
            "ModuleNotFoundError: No module named 'no_such_module_here'",
        ),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_file_that_does_not_import(write, text, message):
    path = write("broken.py", text)
    for _ in range(2):  # a failed import leaves nothing behind
        with pytest.raises(UserError, match=message) as caught:
            find(f"{path}:Coin")
        assert str(path) in str(caught.value)


def test_files_and_modules_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match="no such environment file"):
        find(f"{tmp_path}/none.py:Coin")
    with pytest.raises(UserError, match="cannot import no_such_package"):
        find("no_such_package:Coin")


def test_options_follow_the_name_and_have_the_types_of_the_config(write):
    path = write("coin.py", FILE.format(name="coin_options"))
    env = load(f"{path}:Coin?sides=6&loud=true&weight=0.25&mode=a b&seed=7&reward=paper")
    made: Any = type(env)
    assert env.base == made.Config(sides=6, loud=True, weight=0.25, mode="a b")
    assert env.seed == 7
    assert env.weights["malformed"] == -1
    assert load(f"{path}:Coin?sides=6", sides=3).base.sides == 3


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sides=six", "sides='six' is not of type int"),
        ("loud=maybe", "loud='maybe' is not of type bool"),
        ("side=6", "did you mean 'sides'"),
        ("seed=x", "seed='x' is not of type int"),
        ("reward=x", "unknown reward preset"),
    ],
)
def test_wrong_options(write, query, message):
    path = write("coin.py", FILE.format(name="coin_wrong"))
    with pytest.raises(UserError, match=message):
        load(f"{path}:Coin?{query}")


@pytest.fixture
def entry(monkeypatch):
    """Pretend that an installed package offers an environment under this name."""

    def offer(name, value):
        entries = [importlib.metadata.EntryPoint(name, value, ENVIRONMENTS.group)]
        groups = {ENVIRONMENTS.group: importlib.metadata.EntryPoints(entries)}
        none = importlib.metadata.EntryPoints()
        monkeypatch.setattr(
            "rlskills.spec.registry.entry_points", lambda group: groups.get(group, none)
        )

    return offer


def test_entry_points_are_listed_without_importing_them(entry):
    entry("far_away", "no_such_package.environments:Far")
    assert "far_away" in names()
    with pytest.raises(UserError, match=r"cannot import environment far_away \(no_such_package"):
        load("far_away")


def test_entry_points_are_loaded(entry):
    entry("by_entry", f"{__name__}:Offered")
    sys.modules.setdefault(__name__, sys.modules[Here.__module__])
    assert find("by_entry") is Offered
    env = load("by_entry", size=3)
    assert env.name == "by_entry"
    assert Offered(size=3).name == "by_entry"  # however it is made
    assert str(env.spec) == "by_entry?size=3"
