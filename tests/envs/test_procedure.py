"""Procedures: each instruction does what it says, and credit ends at the first mistake."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments.conformance import check
from rlskills.environments.skillmix import SkillMix
from rlskills.errors import UserError
from rlskills_envs.procedure import INSTRUCTIONS, LONGEST, SHORTEST, Procedure

EXAMPLES = [
    ("reverse", (), "abcd", "dcba"),
    ("rotate", (1,), "abcd", "bcda"),
    ("rotate", (3,), "abcd", "dabc"),
    ("swap", (1, 4), "abcd", "dbca"),
    ("swap", (2, 3), "abcd", "acbd"),
    ("delete", (1,), "abcd", "bcd"),
    ("delete", (4,), "abcd", "abc"),
    ("insert", ("1", "x"), "abcd", "xabcd"),
    ("insert", (4, "x"), "abcd", "abcxd"),
    ("double", (1,), "abcd", "aabcd"),
    ("double", (4,), "abcd", "abcdd"),
    ("replace", (1, "x"), "abcd", "xbcd"),
    ("replace", (4, "x"), "abcd", "abcx"),
    ("move", (2,), "abcd", "bacd"),
    ("move", (4,), "abcd", "dabc"),
]


@pytest.mark.parametrize(("name", "arguments", "items", "result"), EXAMPLES)
def test_instructions(name: str, arguments: tuple, items: str, result: str):
    arguments = tuple(int(one) if str(one).isdigit() else one for one in arguments)
    before = list(items)
    assert "".join(INSTRUCTIONS[name].apply(before, *arguments)) == result
    assert "".join(before) == items


def test_no_instruction_does_what_another_one_does():
    (finding,) = check("procedure", only=["twins"])
    assert finding.level == "ok"
    assert finding.message.startswith("8 behaviours")
    case = (list("abcd"), 2, 4, "x")
    done = {name: "".join(act(case)) for name, act in Procedure().behaviours().items()}
    assert done == {
        "reverse": "dcba", "rotate": "cdab", "swap": "adcb", "delete": "acd",
        "insert": "axbcd", "double": "abbcd", "replace": "axcd", "move": "dabc",
    }  # fmt: skip


def test_chosen_instructions_are_composed_in_their_order():
    env, rng = Procedure(), random.Random(0)
    for skills in (("move", "reverse"), ("insert", "double", "swap"), ("delete",) * 2):
        draft = env.compose(rng, env.config(len(skills)), skills)
        assert draft is not None
        assert draft.skills == skills
    assert env.compose(rng, env.config(3), ("delete",) * 3) is None  # too few would be left
    assert env.compose(rng, env.config(2), ("reverse",)) is None
    task = SkillMix(env, 3, split="ood_skill").task(0)
    assert "move" in task.skills
    assert len(set(task.skills)) == 3


def test_every_instruction_has_an_example_and_a_letter_of_its_own():
    assert {name for name, *_ in EXAMPLES} == set(INSTRUCTIONS)
    assert len({one.brief[0] for one in INSTRUCTIONS.values()}) == len(INSTRUCTIONS)


@given(st.integers(0, 10**9), st.sampled_from(["string", "list"]), st.integers(SHORTEST, LONGEST))
def test_procedures_do_something_and_stay_in_bounds(seed: int, kind: str, length: int):
    env = Procedure(kind=kind, length=length)
    draft = env.make(random.Random(seed), env.config(12))
    sizes = []
    for result in [draft.data["start"], *draft.data["results"]]:
        items = list(result) if kind == "string" else result.split(",")
        sizes.append(len(items))
        assert all(one.isalpha() if kind == "string" else 10 <= int(one) <= 99 for one in items)
    assert all(SHORTEST <= size <= LONGEST for size in sizes)
    assert sizes[0] == length
    places = [(step, size) for step, size in zip(draft.data["steps"], sizes, strict=False)]
    for (_, *arguments), size in places:
        assert all(1 <= one <= size for one in arguments if isinstance(one, int))
    assert ["rotate", sizes[0]] not in draft.data["steps"][:1]
    assert ["move", 1] not in draft.data["steps"]


def follow(question: str) -> list[str]:
    """The results, computed from the tiny prompt alone."""
    start, _, brief = question.removesuffix("?").partition(":")
    items = start.split(",") if "," in start else list(start)
    glue, results = "," if "," in start else "", []
    for step in brief.split(","):
        first, *rest = re.findall(r"\d+|[a-z]", step[1:]) or [""]
        at = int(first or 1) - 1
        match step[0]:
            case "R":
                items.reverse()
            case "L":
                items = items[at + 1 :] + items[: at + 1]
            case "S":
                other = int(rest[0]) - 1
                items[at], items[other] = items[other], items[at]
            case "D":
                del items[at]
            case "I":
                items.insert(at, rest[0])
            case "T":
                items.insert(at, items[at])
            case "P":
                items[at] = rest[0]
            case "M":
                items.insert(0, items.pop(at))
        results.append(glue.join(items))
    return results


@pytest.mark.parametrize("kind", ["string", "list"])
def test_the_prompt_alone_gives_the_answer(kind: str):
    env = Procedure(kind=kind, preset="tiny")
    for level in range(1, 13):
        for split in {env.evaluation_split(level), "ood_skill" if level > 1 else "train"}:
            for index in range(8):
                task = env.task(split, level, index)
                assert "/".join(follow(task.text)) == task.answer


CREDIT = [
    ("abc\nbca\ncab", 1.0),
    (" abc \n\tbca\r\ncab", 1.0),
    ("a b c\n[bca]\ncab", 1.0),
    ("abc\nbca", 2 / 3),
    ("abc", 1 / 3),
    ("abc\nbca\nxxx", 2 / 3),
    ("abc\nxxx\ncab", 1 / 3),
    ("xxx\nbca\ncab", 0.0),
    ("cab", 0.0),
    ("abc\nbca\ncab\ncab", 3 / 4),
    ("ABC\nbca\ncab", 0.0),
    ("abc\n\nbca\ncab", 1 / 4),
    ("abc\n" * 6000, 0.0),
    ("abc\n" * 3000, 1 / 3000),
]


@pytest.mark.parametrize(("answer", "credit"), CREDIT)
def test_credit_up_to_the_first_mistake(answer: str, credit: float):
    env = Procedure()
    data = {"start": "cab", "steps": [], "results": ["abc", "bca", "cab"]}
    task = replace(env.task("train", 3, 0), data=data)
    score = env.score(task, f"<answer>{answer}</answer>")
    assert score.reward == pytest.approx(credit)
    assert score.correct == (credit == 1.0)


def test_lists_may_be_written_with_brackets_and_blanks():
    env = Procedure(kind="list")
    task = env.task("train", 2, 0)
    dressed = "\n".join(f"[{line.replace(',', ', ')}]" for line in (task.answer or "").split("\n"))
    assert env.score(task, f"<answer>{dressed}</answer>").correct


def test_what_is_held_out_is_never_composed_in_training():
    env = Procedure()
    assert env.holdout.splits == ("train", "test", "ood_skill", "ood_pair", "ood_depth")
    alone = {env.task("train", 1, index).skills for index in range(200)}
    assert ("move",) in alone
    for level in (2, 5, 8):
        for index in range(60):
            skills = env.task("train", level, index).skills
            assert "move" not in skills
            assert env.holdout.pairs.isdisjoint(pairwise(skills))
            assert "move" in env.task("ood_skill", level, index).skills
            pair = env.task("ood_pair", level, index).skills
            assert not env.holdout.pairs.isdisjoint(pairwise(pair))
            assert "move" not in pair


@pytest.mark.parametrize("options", [{"kind": "set"}, {"length": 2}, {"length": 9}])
def test_options_that_are_refused(options: dict):
    with pytest.raises(UserError, match=r"kind|length"):
        Procedure(**options)
