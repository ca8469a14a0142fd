"""`rlskills env play`, with keys from a script."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

from rlskills.cli.env.main import env_cli
from rlskills.environments import load
from rlskills.errors import UserError

TINY = "function_guess?preset=tiny"


@pytest.fixture
def keys(monkeypatch, capsys):
    """Play with these lines typed, and return what was said."""

    def keys(text: str, *words: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        env_cli(["play", *(words or (TINY, "--level", "5"))])
        return capsys.readouterr().out

    return keys


def test_an_expert_at_the_keyboard_wins(keys):
    env = load(TINY, seed=7)
    task = env.task("test", 5, 0)
    said = keys(
        "\n".join(env.replies(task)) + "\n",
        TINY, "--level", "5", "--split", "test", "--seed", "7",
    )  # fmt: skip
    assert task.text in said
    queries = len(task.data["expert"])
    assert f"right\nreward {1 - 0.1 * queries:g} (answer 1" in said
    assert f"queries {queries}" in said


def test_a_wrong_answer_is_told_the_right_one(keys):
    said = keys("#zz\n")
    answer = load(TINY).task("train", 5, 0).answer
    assert f"wrong\nthe answer was {answer!r}\nreward 0 " in said


def test_environments_of_one_turn_are_played_too(keys):
    env = load("string_transform")
    task = env.task("train", 2, 0)
    lines = env.solution(task).replace("\n", "\\\n")
    said = keys(lines + "\n", "string_transform", "--level", "2")
    assert task.text in said
    assert "right\nreward 1" in said
    assert "no answer was found" in keys("\n", "string_transform")


def test_commands_are_obeyed_and_are_no_replies(keys):
    said = keys(":help\n:show\n:nonsense\n>ab\n:show\n:quit\n")
    assert "Type a reply" in said
    assert "unknown command ':nonsense'" in said
    assert said.count(load(TINY).task("train", 5, 0).text) == 3
    assert "Left after 1 reply; nothing is scored." in said
    assert "reward" not in said.replace("reward.", "")


def test_the_solution_ends_the_attempt(keys):
    said = keys(":solution\n#zz\n")
    task = load(TINY).task("train", 5, 0)
    for text in load(TINY).replies(task):
        assert f"> {text}" in said
    assert "Left after 0 replies" in said


def test_a_colon_may_be_part_of_a_reply(keys):
    said = keys("::help\n:quit\n")
    assert "Type a reply" not in said
    assert "Left after 1 reply" in said


def test_the_end_of_input_ends_it_cleanly(keys):
    assert "Left after 2 replies" in keys(">ab\n>cd")
    assert "Left after 0 replies" in keys("")
    assert "Left after 0 replies" in keys("unfinished\\\n")


def test_half_characters_are_no_accident(keys):
    assert "Left after 1 reply" in keys("\ud800\0\x1b[31m\n:show\n:quit\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["play", "function_gess"], "did you mean 'function_guess'"),
        (["play", TINY, "--level", "9"], "unknown level"),
        (["play", TINY, "--split", "tets"], "did you mean 'test'"),
    ],
)
def test_bad_words_are_one_clear_error(words, says):
    with pytest.raises(UserError) as error:
        env_cli(words)
    assert says in str(error.value)


def test_an_interrupt_ends_it_cleanly():
    master, slave = pty.openpty()
    program = f"from rlskills.cli import main; main(['env', 'play', '{TINY}'])"
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=slave, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        # Tests that run in the background of a shell inherit that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    os.close(slave)
    assert child.stdout is not None
    said = b""
    while not said.endswith(b"\n> "):
        said += os.read(child.stdout.fileno(), 1000)
    heard: list[Any] = []
    while not heard:  # one that comes before the program waits for a key does not wake it
        while psutil.Process(child.pid).status() != psutil.STATUS_SLEEPING:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        heard, _, _ = select.select([child.stdout], [], [], 5)
    out, err = child.communicate(timeout=60)
    os.close(master)
    assert (child.returncode, err) == (0, b"")
    assert b"Left after 0 replies" in out
