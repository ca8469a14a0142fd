"""What `string_transform` counts as right, wrong and unreadable."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments import Task
from rlskills.errors import UserError
from rlskills_envs.string_transform import StringTransform

VARIANTS: list[dict[str, Any]] = [
    *({"preset": p, "functions": f} for p, f in product(("paper", "clean"), ("train", "all"))),
    {"preset": "paper", "functions": "held_out", "show_definitions": True},
    {"preset": "clean", "functions": "held_out", "binary_prob": 0.3},
    *({"preset": "tiny", "functions": f} for f in ("all", "common", "train", "held_out")),
    {"preset": "tiny", "functions": "all", "mode": "copy"},
    {"preset": "letters", "functions": "all", "identity": "program_and_input"},
]


def applicable(env: StringTransform, level: int) -> list[str]:
    """Splits that a function set has tasks in."""
    if level == 1 or env.base.functions in ("train", "common") or env.base.mode == "copy":
        return ["train", "test"]
    return ["ood_skill"] if env.base.functions == "held_out" else ["train", "test", "ood_skill"]


def tasks(env: StringTransform, count: int) -> list[Task]:
    return [
        env.task(split, level, index)
        for level in range(1, 9)
        for split in applicable(env, level)
        for index in range(count)
    ]


@pytest.mark.parametrize("options", VARIANTS, ids=lambda o: "-".join(map(str, o.values())))
@pytest.mark.parametrize("reward", ["binary", "paper"])
def test_oracle_is_right_and_the_rest_is_not(options: dict[str, Any], reward: str) -> None:
    env = StringTransform(reward=reward, **options)
    drawn = tasks(env, 3)
    for task, other in zip(drawn, drawn[1:] + drawn[:1], strict=True):
        for text in (env.solution(task), env.answer_only(task)):
            score = env.score(task, text)
            assert (score.correct, score.reward, score.status) == (True, 1.0, "ok"), text
            cut = env.score(task, text, truncated=True)
            assert (cut.correct, cut.reward) == (False, -1.0 if reward == "paper" else 0.0)
        assert not env.score(task, task.text).correct
        if other.answer != task.answer:
            assert not env.score(task, env.solution(other)).correct
        for wrong in {f"{task.answer}a", f"a{task.answer}", f" {task.answer}", f"{task.answer} "}:
            assert not env.score(task, env.answer_only(replace(task, answer=wrong))).correct


# The corner cases of the released scorer: 1 right, 0 a readable other answer, -1 unreadable.
FENCED = "```json\n{}\n```"
RIGHT = '{"output": "abc"}'
WRONG = '{"output": "abd"}'
CASES = [
    (RIGHT, 1),
    (FENCED.format(RIGHT), 1),
    (f"It is {RIGHT}.", 1),
    ('{\n  "output":\n  "abc"\n}', 1),
    ('{"steps": ["a", {"b": 1}], "output": "abc"}', 1),
    (f"{WRONG} no, rather {RIGHT}", 1),
    (f"<think>{WRONG}</think>{RIGHT}", 1),
    (f"<think>```json\n{WRONG}</think>{RIGHT}", 1),
    (f"{FENCED.format(WRONG)} no, rather {FENCED.format(RIGHT)}", 1),
    (WRONG, 0),
    ('{"output": "ABC"}', 0),
    ('{"output": " abc"}', 0),
    ('{"output": "\'abc\'"}', 0),
    ('{"output": ""}', 0),
    ('{"output": 5}', 0),
    ('{"output": null}', 0),
    ('{"output": None}', 0),
    ('{"output": true}', 0),
    ('{"output": ["abc"]}', 0),
    ('{"output": {"output": "abc"}}', 0),
    (f"{RIGHT} no, rather {WRONG}", 0),
    (f"{FENCED.format(WRONG)} or rather {RIGHT}", 0),
    ("", -1),
    ("abc", -1),
    ('"abc"', -1),
    ("{'output': 'abc'}", -1),
    ("{output: abc}", -1),
    ('{"output": abc}', -1),
    (r"\boxed{abc}", -1),
    (f"```json\n{RIGHT}", -1),
    (f"{FENCED.format(RIGHT)} or rather ```json\n{RIGHT}", -1),
    (f'{RIGHT} and {{"certainty": 1}}', -1),
    ('{"Output": "abc"}', -1),
    ('{"answer": "abc"}', -1),
    ('{"output": "abc"', -1),
    ('["abc"]', -1),
    ('{"output": ' + "[" * 5000, -1),
    ('{"output": ' + "9" * 5000 + "}", -1),
]


def example(env: StringTransform, answer: str) -> Task:
    """A task of which only the answer matters."""
    return replace(env.task("test", 1, 0), answer=answer)


@pytest.mark.parametrize(("completion", "reward"), CASES)
def test_corner_cases(completion: str, reward: int) -> None:
    for preset in ("paper", "clean"):
        env = StringTransform(preset=preset, reward="paper")
        score = env.score(example(env, "abc"), completion)
        assert (score.reward, score.correct) == (reward, reward == 1)
        assert score.status == ("unparsed" if reward == -1 else "ok")
        cut = env.score(example(env, "abc"), completion, truncated=True)
        assert (cut.reward, cut.correct, cut.status) == (-1, False, "truncated")
        binary = StringTransform(preset=preset).score(example(env, "abc"), completion)
        assert (binary.reward, binary.correct) == (float(reward == 1), reward == 1)


@pytest.mark.parametrize("value", [5, 1.5, True, None, [], {}, ["5"]])
def test_other_json_values_never_equal_a_string(value: object) -> None:
    env = StringTransform(reward="paper")
    completion = json.dumps({"output": value})
    for answer in {"", "5", str(value), json.dumps(value), env.parse(completion) or ""}:
        score = env.score(example(env, answer), completion)
        assert (score.correct, score.reward, score.status) == (False, 0.0, "ok")


def test_nested_values_of_any_depth_are_wrong_or_unreadable() -> None:
    env = StringTransform(reward="paper")
    task = example(env, "abc")
    for deep in range(1, 1200):  # across the depth at which the JSON reader gives up
        completion = '{"output": ' + "[" * deep + "]" * deep + "}"
        assert env.score(task, completion).reward in (0, -1)


TINY_CASES = [
    ("#abc", 1),
    ("F01(b)=cc;#abc", 1),
    ("#b#abc", 1),
    ("#abd", 0),
    ("#abc#abd", 0),
    ("#abc ", 0),
    ("# abc", 0),
    ("#abc\n", 0),
    ("#ABC", 0),
    ("#abc;", 0),
    ("#\n", 0),
    ("", -1),
    ("abc", -1),
    ("#", -1),
    ("#abc#", -1),
    ("F01(b)=abc;", -1),
    ("#" + "a" * 50_000, -1),
]


@pytest.mark.parametrize(("completion", "reward"), TINY_CASES)
def test_tiny_corner_cases(completion: str, reward: int) -> None:
    env = StringTransform(preset="tiny", reward="paper")
    score = env.score(example(env, "abc"), completion)
    assert (score.reward, score.correct) == (reward, reward == 1)


@pytest.mark.parametrize("completion", ["", "#abc", "F01(abc)", 'F01(F02(abc))"', "F01(F02(abc)"])
def test_copy_is_exact(completion: str) -> None:
    env = StringTransform(preset="tiny", mode="copy", reward="paper")
    task = example(env, "F01(F02(abc))")
    assert env.score(task, "F01(F02(abc))").reward == 1
    assert env.score(task, completion).reward == (0 if completion else -1)


def test_letters_stand_apart() -> None:
    env = StringTransform(preset="letters", functions="train")
    task = next(t for i in range(99) if (t := env.task("train", 2, i)).skills == ("F04", "F02"))
    inner, outer = (step[0] for step in task.data["steps"])
    assert task.text == outer.replace(outer[4:-1], inner) + "?"
    assert re.fullmatch(r"F02\(F04\(( [a-h])+\)\)\?", task.text)
    steps = env.steps(task, env.solution(task))
    assert [step.correct for step in steps] == [True, True]
    assert not env.steps(task, env.solution(task).replace("= ", "=", 1))[0].correct
    assert env.score(task, f"#{task.answer}").correct  # unspaced letters say the same
    assert not env.score(task, f"# {task.answer}x").correct
    for mode, functions in (("copy", "train"), ("solve", "none")):
        with pytest.raises((ValueError, UserError)):
            StringTransform(preset="letters", mode=mode, functions=functions)


@given(st.text(), st.sampled_from(["clean", "paper", "tiny"]))
def test_any_answer_survives_the_notation(answer: str, preset: str) -> None:
    env = StringTransform(preset=preset)
    if preset == "tiny" and ("#" in answer or not answer):
        return  # its values are never empty and have letters only
    task = example(env, answer)
    assert env.score(task, env.answer_only(task)).correct
    assert env.score(task, env.solution(task)).correct
    other = replace(task, answer=answer + "a")
    assert not env.score(task, env.answer_only(other)).correct


fragments = st.sampled_from(
    ['{"output": "', '"}', "{", "}", "```json\n", "```", "#", "<think>", "</think>", '"', "\\", "[",
     "\\ud800", "\x00", "NaN", "None", "é", ": ", ",", "\n", "abc", '{"output": '],
)  # fmt: skip


@given(st.lists(fragments, max_size=30).map("".join))
def test_junk_is_never_right_and_never_raises(completion: str) -> None:
    for options in VARIANTS[::3]:
        env = StringTransform(**options)
        score = env.score(example(env, "no junk spells this"), completion)
        assert not score.correct
        assert score.reward == 0
        json.dumps(score.parsed).encode()


@pytest.mark.parametrize("options", VARIANTS[::3], ids=str)
@pytest.mark.parametrize(
    "junk",
    [" ", "None", "[]", "(((", "9" * 50, "<answer>", "9**9**9", "__import__('os').getcwd()",
     "{" * 10**6, '{"output": ' * 10**5, "```json\n" * 10**5, "#" * 10**6, '{"a":' * 10**5],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_junk_of_any_size(options: dict[str, Any], junk: str) -> None:
    env = StringTransform(**options)
    assert not env.score(env.task("test", 1, 0), junk).correct


@pytest.mark.parametrize(
    ("preset", "text", "formed"),
    [
        ("clean", 'So it is\n{"output": "a"}', 1),
        ("clean", '{"output": ""}', 1),
        ("clean", '```json\n{"output": "a"}\n```\n', 1),
        ("clean", '<think>hm</think>{"output": "a"}', 1),
        ("clean", 'hm</think>{"output": "a"}', 1),
        ("clean", '<think></think>{"output": "a"}', 0),
        ("clean", '<think>hm {"output": "a"}', 0),
        ("clean", '{"output": "b"} no, {"output": "a"}', 0),
        ("clean", '{"output": "a"} is it', 0),
        ("clean", '{"output": "a", "sure": true}', 0),
        ("clean", "", 0),
        ("tiny", "F01(a)=b;#b", 1),
        ("tiny", "F01(a)=b;#c#b", 0),
        ("tiny", "b", 0),
    ],
)
def test_format_is_paid_for_the_whole_form_only(preset: str, text: str, formed: int) -> None:
    env = StringTransform(preset=preset, reward="format:1")
    assert env.score(env.task("train", 1, 0), text).reward == formed
