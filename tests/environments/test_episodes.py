"""Episodes and their driver: who may say what, when it ends, and that nothing goes on for ever."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.environments import (
    Caps,
    Draft,
    Environment,
    Episode,
    GraderError,
    Play,
    Turn,
    bare_answer,
    demonstration,
    load,
    play,
)
from rlskills.environments.conformance import check
from rlskills.errors import UserError

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=40)


class Sums(Environment):
    """One turn."""

    name = "sums"

    def make(self, rng: random.Random, cfg: Any) -> Draft:
        a, b = rng.randrange(100), rng.randrange(100)
        return Draft(f"{a}+{b}", str(a + b))


class Higher(Episode):
    """Guess a number; a wrong guess is told to go higher or lower."""

    caps = Caps(turns=8, characters=200)

    def __init__(self, env: Environment, task: Any) -> None:
        super().__init__(env, task)
        self.seen: list[str] = []

    def step(self, reply: str) -> Turn:
        self.seen.append(reply)
        self.answer = reply
        if reply == self.task.answer:
            return Turn(done=True)
        return Turn.say("higher" if reply < (self.task.answer or "") else "lower")

    def parts(self, score):
        return {"guesses": float(len(self.seen))}


class Numbers(Sums):
    """Several turns."""

    name = "numbers"
    reward_components = ("guesses",)

    def start(self, task: Any) -> Higher:
        return Higher(self, task)

    def parse(self, text: str) -> str | None:
        return text or None

    def answer_only(self, task: Any) -> str:
        return task.answer or ""

    def replies(self, task: Any) -> list[str]:
        return ["0", self.solution(task)]


SUMS, NUMBERS = Sums(), Numbers(reward={"answer": 1.0, "guesses": -0.1})


def test_one_turn_is_scored_as_ever():
    task = SUMS.task("train", 1, 0)
    for text in (SUMS.solution(task), "<answer>x</answer>", ""):
        played = play(SUMS.start(task), lambda _, text=text: text)
        assert played.score() == SUMS.score(task, text)
        assert (played.turns, played.over, played.truncated) == (1, True, False)
    assert not SUMS.multi_turn
    assert NUMBERS.multi_turn


def test_a_game_is_told_and_scored():
    task = NUMBERS.task("train", 1, 0)
    shown: list[int] = []

    def player(messages):
        shown.append(len(messages))
        return ["", "~", task.answer][len(shown) - 1]

    played = play(NUMBERS.start(task), player)
    assert [m["content"] for m in played.messages] == [
        task.text, "", "higher", "~", "lower", task.answer,
    ]  # fmt: skip
    assert [m["role"] for m in played.messages] == ["user", "assistant"] * 3
    assert shown == [1, 3, 5]
    score = played.score()
    assert score.correct
    assert score.parts["guesses"] == 3
    assert score.reward == pytest.approx(1 - 0.1 * 3)
    assert played.score() is score


def test_a_demonstration_is_the_experts_and_a_bare_answer_comes_at_once():
    task = NUMBERS.task("train", 1, 1)
    assert demonstration(NUMBERS, task).score().parts["guesses"] == 2
    assert bare_answer(NUMBERS, task).score().parts["guesses"] == 1
    assert demonstration(SUMS, SUMS.task("train", 1, 0)).score().correct


@settings(deadline=None)
@given(st.lists(ANY_TEXT, max_size=12), st.integers(1, 6), st.integers(1, 60))
def test_whatever_is_replied_caps_hold(texts, turns, characters):
    task = NUMBERS.task("train", 1, 0)
    episode = NUMBERS.start(task)
    playing = Play(episode, Caps(turns, characters))
    for text in texts:
        if playing.over:
            with pytest.raises(UserError, match="over"):
                playing.reply(text)
            break
        playing.reply(text)
    assert playing.turns <= turns
    assert len(episode.seen) <= playing.turns
    assert sum(map(len, episode.seen)) <= characters
    said = [m["content"] for m in playing.messages if m["role"] == "assistant"]
    assert sum(map(len, said)) <= 2 * characters
    score = playing.score()
    right = task.answer in episode.seen
    assert score.correct == right
    assert playing.truncated == (not right)
    assert score.status == ("ok" if right else "truncated")
    assert playing.over


def test_a_reply_that_was_cut_off_is_not_taken():
    task = NUMBERS.task("train", 1, 0)
    playing = Play(NUMBERS.start(task))
    assert playing.reply(task.answer or "", cut=True) == ()
    assert playing.over
    assert playing.episode.seen == []  # pyright: ignore[reportAttributeAccessIssue]
    assert (playing.score().correct, playing.score().status) == (False, "truncated")


def test_the_last_turn_allowed_may_still_be_right():
    task = NUMBERS.task("train", 1, 0)
    playing = Play(NUMBERS.start(task), Caps(turns=2))
    playing.reply("x")
    playing.reply(task.answer or "")
    assert playing.score().correct


def test_a_step_that_raises_or_says_nothing_is_the_graders_fault():
    class Broken(Episode):
        def step(self, reply: str) -> Turn:
            return Turn() if reply == "mute" else Turn.say(str(1 / 0))

    task = SUMS.task("train", 1, 0)
    for text, why in (("mute", "nothing to reply to"), ("x", "ZeroDivisionError")):
        with pytest.raises(GraderError, match=why):
            Play(Broken(SUMS, task)).reply(text)


@pytest.mark.parametrize("caps", [{"turns": 0}, {"characters": -1}])
def test_caps_that_let_nothing_through_are_refused(caps):
    with pytest.raises(UserError, match="at least one"):
        Caps(**caps)


GAME = '''
from rlskills.environments import Draft, Environment, Episode, Turn

class Game(Episode):
    """Say please first."""
    said = 0

    def step(self, reply):
        self.said += 1
        if self.said == 1 and reply == "please":
            return Turn.say("now?")
        self.answer = reply
        return Turn(done=True)

class Polite(Environment):
    """Answer after a please."""
    name = "polite"

    def make(self, rng, cfg):
        a, b = rng.randrange(10**6), rng.randrange(10**6)
        return Draft(f"{a}+{b}", str(a + b))

    def start(self, task):
        return Game(self, task)

    def replies(self, task):
        return ["please", self.solution(task)]
'''

BROKEN = {
    "the expert is not right": ('["please", self.solution(task)]', '["please", "x"]'),
    "not over after": ('["please", self.solution(task)]', '["please"]'),
    "of the expert's 3 replies": ('self.solution(task)]', 'self.solution(task), "and?"]'),
    "goes otherwise": ("self.said += 1", "Game.said += 1"),
    "opens otherwise": ("    said = 0", "    said = 0\n\n    def open(self):\n        return []"),
    "scores correct": ("self.answer = reply", "self.answer = self.env.answer_only(self.task)"),
    "does not end by itself": (
        "        self.answer = reply",
        '        if "answer" not in reply:\n            return Turn.say("go on")\n'
        "        self.answer = reply",
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", ["", *BROKEN])
def test_the_check_of_episodes_finds_each_fault(tmp_path, why: str):
    text = GAME
    if why:
        old, new = BROKEN[why]
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "polite.py"
    file.write_text(text)
    found = check(f"{file}:Polite", only=["episodes"])
    if not why:
        assert [one.level for one in found] == ["ok"]
    else:
        expected = "but not correct" if why == "the expert is not right" else why
        assert any(expected in one.message and one.level != "ok" for one in found), found


def test_the_game_of_the_docs_conforms(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "environments.md").read_text()
    (code,) = re.findall(r"## Multi-turn\n.*?```python\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "numbers.py"
    file.write_text(code)
    found = check(f"{file}:Numbers", junk=100, tasks=2, draws=50)
    assert [one for one in found if one.level == "failure"] == []


def test_a_failed_grading_keeps_its_note(tmp_path: Path):
    path = tmp_path / "failing.py"
    path.write_text(
        "from rlskills.environments import Draft, Environment, Episode\n\n\n"
        "class Game(Episode):\n"
        "    def parts(self, score):\n"
        "        return {'tries': 1.0}\n\n\n"
        "class Failing(Environment):\n"
        "    trusted_grader = False\n"
        "    reward_components = ('tries',)\n\n"
        "    def make(self, rng, cfg):\n"
        "        return Draft(str(rng.random()), '1')\n\n"
        "    def start(self, task):\n"
        "        return Game(self, task)\n\n"
        "    def verify(self, task, answer):\n"
        "        raise ValueError('a broken grader')\n"
    )
    env = load(f"{path}:Failing")
    score = demonstration(env, env.task("train", 1, 0)).score()
    assert score.failed
    assert "a broken grader" in score.note
