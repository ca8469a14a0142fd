"""Claims as they are read from completions of the environments that ship."""

from __future__ import annotations

import pytest

from rlskills.environments import load
from rlskills.errors import UserError
from rlskills.evaluation.measures.claims import Claim, Known, Problem, claims_in, problem
from rlskills.evaluation.measures.failures import classify


@pytest.mark.parametrize("spec", ["tiny", "letters", "clean", "paper"])
def test_worked_solutions_are_verified(spec: str):
    env = load(f"string_transform?preset={spec}")
    for index in range(25):
        task = env.task("train", 3, index)
        asked = problem(task.data["steps"], given=task.data["input"])
        if len(asked.steps) < 2:
            continue
        text = env.solution(task)
        claims = claims_in(text, env.steps(task, text))
        assert [claim.value for claim in claims] == [step.value for step in asked.steps]
        assert asked.answer == task.answer
        assert classify(asked, claims, asked.answer).kind == "verified"
        assert classify(asked, claims[:-1], None).trace in ("incomplete trace", "sound",
                                                            "ignores composition")  # fmt: skip
        # All values but the last are taken once.
        taken = [arg for step in asked.steps for arg in step.args if isinstance(arg, int)]
        assert sorted(taken) == list(range(len(asked.steps) - 1))


def test_wrong_steps_are_read_as_they_stand():
    env = load("string_transform?preset=tiny")
    task = env.task("train", 2, 0)
    (first, value), (second, _) = task.data["steps"]
    name = second.partition("(")[0]
    text = f"{first}={value};{name}(hhh)=abc;F01;#abc"
    assert claims_in(text, env.steps(task, text))[1:] == [Claim(name, ("hhh",), "abc")]


def test_operands_that_are_values_are_linked():
    found = problem([("f('ab', '-')", "'a-b'"), ("g('xy')", "'yx'"), ("('a-b' + 'yx')", "'a-byx'"),
                     ("('a-byx').upper()", "'A-BYX'")])  # fmt: skip
    assert found.given == "ab"
    assert found.steps == (
        Known("f", ("ab", "-"), "a-b"), Known("g", ("xy",), "yx"), Known("+", (0, 1), "a-byx"),
        Known(".upper", (2,), "A-BYX"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "args"),
    [
        ("f('a,b', 2)", ("a,b", "2")),
        ("f('it\\'s, so', \"x\")", ("it\\'s, so", "x")),
        ("f(g(a, b), c)", ("g(a,b)", "c")),
        ("f( a b c)", ("abc",)),
        ("f('', '(')", ("", "(")),
    ],
)
def test_arguments_are_split_outside_of_quotes(written: str, args: tuple[str, ...]):
    assert problem([(written, "v")]).steps[0].args == args


def test_what_is_no_call_is_refused():
    with pytest.raises(UserError, match="not a call that can be read"):
        problem([("f of x", "y")])
    with pytest.raises(UserError, match="at least one step"):
        problem([])
    with pytest.raises(UserError, match="does not precede"):
        Problem((Known("f", (0,), "x"),), "x")
