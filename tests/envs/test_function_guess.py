"""`function_guess`: what is hidden, what is told, who wins, and what it costs."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.environments import Play, Task, demonstration, load, play
from rlskills.environments.conformance import check
from rlskills.errors import UserError
from rlskills_envs.function_guess import FunctionGuess
from rlskills_envs.function_guess.notation import PRESETS
from rlskills_envs.string_transform import FUNCTIONS, TINY_FUNCTIONS

TABLES = {"tiny": TINY_FUNCTIONS, "clean": FUNCTIONS}
ENVS = {preset: FunctionGuess(preset=preset) for preset in TABLES}
PLACES = [(preset, level) for preset in TABLES for level in range(1, 7)]


def some(preset: str, level: int, count: int = 25, split: str = "train") -> list[Task]:
    return list(islice(ENVS[preset].tasks(split, level), count))


def applied(preset: str, functions: Any, x: str) -> str:
    for name in functions:
        x = TABLES[preset][name](x)
    return x


def answering(preset: str, text: str) -> str:
    return ENVS[preset].notation.answer_only(text)


@pytest.mark.parametrize(("preset", "level"), PLACES)
def test_the_answer_is_the_hidden_composition_of_the_input_in_question(preset, level):
    cfg = ENVS[preset].config(level)
    for task in some(preset, level):
        assert task.answer == applied(preset, task.data["hidden"], task.data["target"])
        assert set(task.data["hidden"]) <= set(task.data["candidates"])
        assert task.skills == tuple(task.data["hidden"])
        assert (len(task.skills), len(task.data["candidates"])) == (cfg.depth, cfg.candidates)
        assert task.data["target"] in task.text
        assert all(name in task.text for name in task.data["candidates"])


@pytest.mark.parametrize(("preset", "level"), PLACES)
def test_what_the_expert_is_told_leaves_one_answer_and_less_leaves_several(preset, level):
    """By trying every composition: all that fit what was told agree, and not so before."""
    for task in some(preset, level, 8):
        data = task.data
        every = list(product(data["candidates"], repeat=len(data["hidden"])))
        fits, answers = every, set()
        for query in [None, *data["expert"]]:
            if query is not None:
                assert len(answers) > 1
                told = applied(preset, data["hidden"], query)[: data["reveal"]]
                fits = [f for f in fits if applied(preset, f, query)[: data["reveal"]] == told]
            answers = {applied(preset, f, data["target"]) for f in fits}
        assert answers == {task.answer}
        assert data["target"] not in data["expert"]


@pytest.mark.parametrize(("preset", "level"), PLACES)
def test_the_reward_of_a_right_answer_falls_with_every_query(preset, level):
    env = ENVS[preset]
    task = some(preset, level, 1)[0]
    rewards = []
    for queries in range(task.data["queries"] + 1):
        playing = Play(env.start(task))
        for _ in range(queries):
            playing.reply(env.notation.query("ab"))
        playing.reply(env.solution(task))
        score = playing.score()
        assert score.correct
        assert score.parts["queries"] == queries
        rewards.append(score.reward)
    assert rewards == pytest.approx([1 - 0.1 * n for n in range(task.data["queries"] + 1)])


def test_a_wrong_answer_is_worth_nothing_however_it_was_found():
    env, task = ENVS["tiny"], some("tiny", 5, 1)[0]
    for queries in (0, 3):
        playing = Play(env.start(task))
        for _ in range(queries):
            playing.reply(">ab")
        playing.reply(answering("tiny", "hhhhhhhhh"))
        score = playing.score()
        assert (score.correct, score.reward, score.status) == (False, 0.0, "ok")


def test_weights_may_be_given_by_part():
    env = FunctionGuess(preset="tiny", reward={"answer": 2.0, "queries": -0.5, "spent": 0.0})
    task = env.task("train", 1, 0)
    score = demonstration(env, task).score()
    assert score.reward == pytest.approx(2.0 - 0.5 * score.parts["queries"])
    paper = FunctionGuess(preset="tiny", reward="paper")
    assert play(paper.start(task), lambda _: "?").score().reward == -1.0


@pytest.mark.parametrize("preset", TABLES)
def test_every_query_is_told_how_the_output_begins(preset):
    env = ENVS[preset]
    for task in some(preset, 6, 10):
        playing = Play(env.start(task))
        for query in env.notation.probes[: task.data["queries"]]:
            if query == task.data["target"]:
                continue
            (said,) = playing.reply(env.notation.query(query))
            begins = applied(preset, task.data["hidden"], query)[: task.data["reveal"]]
            told = {"tiny": f"={begins}", "clean": f"h({query!r}) begins with {begins!r}."}[preset]
            assert said["content"].startswith(told)
            assert said["content"] == told or preset == "clean"


@pytest.mark.parametrize("preset", TABLES)
def test_what_may_not_be_asked_is_refused_and_costs_a_query(preset):
    env, task = ENVS[preset], some(preset, 1, 1)[0]
    notation = env.notation
    bad = [task.data["target"], "", "é", "a b", "a" * (notation.longest + 1), "a\0", "\ud800"]
    for text in [*map(notation.query, bad), "no idea", ""]:
        playing = Play(env.start(task))
        (said,) = playing.reply(text)
        assert said["content"] == notation.refused(task.data["queries"] - 1)
        playing.reply(env.solution(task))
        assert playing.score().reward == pytest.approx(0.9)


@pytest.mark.parametrize("preset", TABLES)
def test_without_an_answer_a_game_ends_when_the_queries_do(preset):
    env, task = ENVS[preset], some(preset, 2, 1)[0]
    played = play(env.start(task), lambda _: env.notation.query("ab"))
    assert played.turns == task.data["queries"] + 1
    assert not played.truncated
    assert (played.score().correct, played.score().status) == (False, "unparsed")


HOSTILE = st.text(st.characters(codec=None, categories=None), max_size=60)
PIECES = st.lists(
    st.sampled_from(["<query>", "</query>", "<answer>", "</think>", ">", "=", "ab", "F00"])
    | HOSTILE, max_size=6,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(list(TABLES)), st.integers(1, 6), st.lists(PIECES, max_size=8))
def test_hostile_replies_end_and_are_never_right(preset, level, texts):
    env, task = ENVS[preset], some(preset, level, 1)[0]
    script = iter(texts)
    played = play(env.start(task), lambda _: next(script, ""))
    assert played.turns <= task.data["queries"] + 1
    score = played.score()
    assert not score.correct or score.parsed == task.answer
    assert score.reward == 0.0 or score.correct
    assert all(len(m["content"]) < 2000 for m in played.messages if m["role"] == "user")


def test_long_replies_are_read_at_their_end_only():
    env, task = ENVS["tiny"], some("tiny", 3, 1)[0]
    for piece in (">", "#", "a", "\0", "<query>"):
        played = play(env.start(task), lambda _, piece=piece: piece * 200_000)
        assert not played.score().correct


def test_splits_share_no_hidden_program():
    for level in (3, 6):
        train, test = ({t.skills for t in some("tiny", level, 60, s)} for s in ("train", "test"))
        assert not train & test


def test_games_fit_the_tiny_model():
    for level in range(1, 7):
        for task in some("tiny", level, 40):
            said = demonstration(ENVS["tiny"], task).messages
            assert sum(len(m["content"]) + 1 for m in said) <= 160


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"preset": "tny"}, "did you mean 'tiny'"),
        ({"pool": 1}, "candidates must be from 2 to pool"),
        ({"pool": 99}, "pool at most 12"),
        ({"queries": 0}, "queries must be from 1"),
        ({"cost": 0.5}, "cost in all less than 1"),
        ({"reveal": 0}, "reveal must be at least 1"),
    ],
)
def test_options_that_make_no_game_are_refused(options, says):
    with pytest.raises(UserError, match=says):
        load("function_guess", **options)


@pytest.mark.parametrize("preset", PRESETS)
def test_conforms(preset):
    spec = f"function_guess?preset={preset}"
    found = check(spec, junk=60, tasks=2, draws=60)
    assert [one for one in found if one.level == "failure"] == []
