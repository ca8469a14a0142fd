"""What supervised arms are shown, and how much of it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as fast
from hypothesis import strategies as st
from scipy.stats import binom
from transformers import PrinterCallback, TrainerCallback

from rlskills.environments import (
    Draft,
    Environment,
    Episode,
    Task,
    Turn,
    bare_answer,
    demonstration,
    load,
    names,
)
from rlskills.errors import UserError
from rlskills.models.loading import load as load_model
from rlskills.training.demonstrations import Demonstrations, spliced
from rlskills.training.settings import SFTSettings, hashed
from rlskills.training.sft import SFT
from rlskills.training.stream import TaskStream, uniform
from rlskills_envs.function_guess import FunctionGuess

from .small import KERNELS, Bits

CALLS = load("string_transform?preset=tiny&functions=train")
SUMS = load("arithmetic?preset=tiny")
GAMES = FunctionGuess(preset="tiny", pool=4)


@fast(max_examples=30, deadline=None)
@given(st.floats(0.0, 1.0), st.integers(0, 2**32), st.integers(0, 2**30))
def test_so_many_are_wrong_as_a_coin_says_and_no_right_one_is_called_wrong(
    share: float, seed: int, start: int
):
    """The count lies where a binomial one does all but once in a million times."""
    shown = Demonstrations(False, share, seed)
    bits = Bits()
    tasks = [bits.task("train", 2, start + index) for index in range(60)]
    wrong = [shown.wrong(task) for task in tasks]
    low, high = binom.interval(1 - 1e-6, len(tasks), share)
    assert low <= sum(wrong) <= high
    for task, noisy in zip(tasks, wrong, strict=True):
        assert bits.score(task, shown.text(bits, task)).correct == (not noisy)


def test_no_noise_shows_what_was_always_shown():
    for env in (CALLS, SUMS):
        task = env.task("train", 2, 3)
        assert Demonstrations(True).text(env, task) == env.solution(task)
        assert Demonstrations(False).text(env, task) == env.answer_only(task)
    game = GAMES.task("train", 2, 0)
    assert Demonstrations(True).play(GAMES, game).messages == demonstration(GAMES, game).messages
    assert Demonstrations(False).play(GAMES, game).messages == bare_answer(GAMES, game).messages


@pytest.mark.parametrize("env", [CALLS, SUMS], ids=lambda env: env.name)
def test_steps_are_right_up_to_the_last_value(env: Environment):
    shown = Demonstrations(True, 1.0)
    for index in range(20):
        task = env.task("train", 2, index)
        right, text = env.solution(task), shown.text(env, task)
        score = env.score(task, text)
        assert score.status == "ok"
        assert not score.correct
        read = [step.correct for step in score.steps]
        assert read == [True] * (env.step_count(task) - 1) + [False]
        at = env.steps(task, right)[-1].value
        assert at is not None
        assert text[:at] == right[:at]


def test_a_wrong_value_and_its_answer_agree():
    task = CALLS.task("train", 2, 0)
    text = Demonstrations(True, 1.0).text(CALLS, task)
    value, answer = text.rpartition("=")[2].split(";#")
    assert value == answer != task.answer


def test_without_steps_the_whole_solution_is_another_problems():
    env = load("graph_path?preset=tiny")
    task, other = env.task("train", 1, 0), env.task("train", 1, 5)
    assert spliced(env, task, other) is None
    text = Demonstrations(True, 1.0).text(env, task)
    assert env.score(task, text).status == "ok"
    assert not env.score(task, text).correct


@pytest.mark.parametrize("worked", [True, False])
@pytest.mark.parametrize("name", sorted(set(names()) - {"function_guess"}))
def test_every_environment_that_ships_can_be_shown_wrong(name: str, worked: bool):
    env = load(name)
    task, shown = env.task("train", 1, 0), Demonstrations(worked, 1.0)
    if env.multi_turn:
        assert not shown.play(env, task).score().correct
    else:
        assert not env.score(task, shown.text(env, task)).correct


@pytest.mark.parametrize("worked", [True, False])
def test_an_expert_asks_what_it_should_and_answers_wrong(worked: bool):
    for index in range(10):
        task = GAMES.task("train", 2, index)
        played = Demonstrations(worked, 1.0).play(GAMES, task)
        said = [m["content"] for m in played.messages if m["role"] == "assistant"]
        assert played.over
        assert not played.truncated
        assert not played.score().correct
        if worked:
            assert said[:-1] == list(GAMES.replies(task))[:-1]
            assert said[-1] != GAMES.replies(task)[-1]


class Patient(Episode):
    """Ends with the right answer only."""

    def step(self, reply: str) -> Turn:
        self.answer = reply
        return Turn(done=True) if reply == self.task.answer else Turn.say("again")


class Asked(Environment):
    """A word of two letters, answered in an episode that goes on until it is right."""

    name = "asked"

    def make(self, rng: Any, cfg: Any) -> Draft:
        word = "".join(rng.choice("abcd") for _ in range(2))
        return Draft(f"{rng.randrange(10**6)}", word)

    def answer_only(self, task: Task) -> str:
        return task.answer or ""

    def parse(self, text: str) -> str | None:
        return text

    def start(self, task: Task) -> Episode:
        return Patient(self, task)


class Lenient(Bits):
    """Takes any answer."""

    def verify(self, task: Task, answer: str) -> bool:
        return True


def test_where_no_wrong_end_is_found_it_is_one_line():
    for env, call in ((Lenient(), "text"), (Asked(), "play")):
        task = env.task("train", 1, 0)
        with pytest.raises(UserError, match="label_noise: the answers of 200 other") as error:
            getattr(Demonstrations(False, 1.0), call)(env, task)
        assert "\n" not in str(error.value)


def test_seeds_choose_others_and_order_does_not_matter():
    tasks = [CALLS.task("train", 1, index) for index in range(40)]
    one, two = (Demonstrations(True, 0.5, seed) for seed in (1, 2))
    texts = [one.text(CALLS, task) for task in tasks]
    assert texts == [one.text(CALLS, task) for task in reversed(tasks)][::-1]
    assert [one.wrong(task) for task in tasks] != [two.wrong(task) for task in tasks]


SETTINGS = SFTSettings(
    max_steps=4, batch_size=8, eval_every=0, save_every=2, learning_rate=1e-3, label_noise=0.4
)


def trainer(folder: Path, model: Path, tasks: TaskStream, **change: Any) -> Any:
    torch.set_num_threads(1)
    made = SFT(load_model(str(model), KERNELS), tasks, replace(SETTINGS, **change), folder)
    made.remove_callback(PrinterCallback)
    return made


def mixed() -> TaskStream:
    return uniform(CALLS, "train", (1, 2), 0)


class Stop(TrainerCallback):
    def on_step_end(self, args: Any, state: Any, control: Any, **more: object) -> None:
        if state.global_step == 3:
            raise KeyboardInterrupt


def test_a_stopped_run_sees_the_same_noise(small_model: Path, tmp_path: Path):
    whole = trainer(tmp_path / "whole", small_model, mixed())
    whole.train()
    stopped = trainer(tmp_path / "torn", small_model, mixed())
    stopped.add_callback(Stop())
    with pytest.raises(KeyboardInterrupt):
        stopped.train()
    last = trainer(tmp_path / "torn", small_model, mixed())
    last.train(resume_from_checkpoint=str(tmp_path / "torn/checkpoint-2"))
    expected = whole.model.state_dict()
    assert all(torch.equal(v, expected[n]) for n, v in last.model.state_dict().items())
    shown = Demonstrations(True, 0.4)
    wrong = [shown.wrong(one.task) for one in mixed().draw(32)]
    logged = [line["train/label_noise"] for line in whole.state.log_history if "loss" in line]
    # A stream draws its units in batches of 8.
    tasks = mixed()
    assert logged == [sum(shown.wrong(one.task) for one in tasks.draw(8)) / 8 for _ in range(4)]
    assert 0 < sum(wrong) < 32


def test_processes_show_their_shares_of_the_same(small_model: Path, tmp_path: Path):
    """Two of two processes together have the rows of one alone."""

    def rows(world: int, rank: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        made = trainer(tmp_path, small_model, mixed())
        found = made._sequences(mixed().draw(8)[rank::world])
        return [(tuple(ids), tuple(learned)) for ids, learned in found]

    assert sorted(rows(2, 0) + rows(2, 1)) == sorted(rows(1, 0))


def test_lengths_are_measured_of_what_is_shown(small_model: Path, tmp_path: Path):
    made = trainer(tmp_path, small_model, mixed(), label_noise=1.0)
    drawn = mixed().draw(8)
    sequences = made._sequences(drawn)
    lengths = made._measure([(one.env, one.task) for one in drawn])
    assert [whole for _, whole in lengths] == [len(ids) for ids, _ in sequences]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float):
    with pytest.raises(UserError, match="label_noise must be between 0 and 1"):
        SFTSettings(label_noise=share)


def test_runs_without_noise_keep_their_hashes():
    values: Mapping[str, Any] = hashed(SFTSettings())
    assert "label_noise" not in values
    assert hashed(SETTINGS)["label_noise"] == 0.4
