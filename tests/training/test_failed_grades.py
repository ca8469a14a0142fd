"""Completions whose grading failed: dropped and counted, in training and in evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rlskills.curricula import Outcome, Uniform
from rlskills.environments import Environment, load
from rlskills.environments.isolation.workers import workers_of
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import EvalConfig, evaluate, graded, greedy_accuracy
from rlskills.models.loading import load_model, load_tokenizer
from rlskills.training.grpo import GRPO
from rlskills.training.settings import GRPOSettings
from rlskills.training.stream import Source, TaskStream

from .small import KERNELS
from .test_trl_contract import GRPO_SMALL, trained

FLAKY = '''
from rlskills.environments import Draft, Environment

class Flaky(Environment):
    """Copy a letter; the grader fails on what begins with b, and on every third task."""
    trusted_grader = False
    grading_workers = 1

    def make(self, rng, cfg):
        letter = rng.choice("ab")
        return Draft(f"{rng.randrange(10**6)} {letter}=", letter)

    def parse(self, text):
        return text[:4] or None

    def verify(self, task, answer):
        if answer.startswith("b") or task.index % 3 == 0:
            raise ValueError("b")
        return answer == task.answer

    def answer_only(self, task):
        return task.answer
'''


class Spy(Uniform):
    """Notes what it is shown, and what it is asked to admit."""

    name = "flaky_spy"

    def __init__(self, units: list[str]) -> None:
        super().__init__(units)
        self.shown: list[Outcome] = []
        self.asked: list[Outcome] = []

    def observe(self, outcomes: Any) -> None:
        super().observe(outcomes)
        self.shown += outcomes

    def admit(self, outcome: Outcome) -> bool:
        self.asked.append(outcome)
        return True


@pytest.fixture
def flaky(tmp_path: Path):
    (tmp_path / "flaky.py").write_text(FLAKY)
    env = load(f"{tmp_path / 'flaky.py'}:Flaky")
    yield env
    workers_of(env).close()


def test_training_drops_and_counts_them(half_trained: Path, tmp_path: Path, flaky: Environment):
    spy = Spy(["L1"])
    tasks = TaskStream({"L1": Source(flaky, "train", 1)}, spy)
    options: dict[str, Any] = GRPO_SMALL | {"max_steps": 1, "dead_groups": "keep"}
    trainer, budget = trained(GRPO, GRPOSettings(**options), tmp_path / "run", half_trained, tasks)
    share = trainer.state.log_history[0]["train/grader_failures"]
    assert 0 < share < 1
    assert sum(len(one.rewards) for one in spy.shown) == round((1 - share) * budget.rollouts)
    assert {len(one.rewards) for one in spy.asked} <= {4}
    failed = [score for score in trainer._scores if score.failed]
    assert failed
    assert all("ValueError: b" in score.note for score in failed)

    # Rows that are learned from belong to groups in which every grade came back.
    output = trainer._sample_round(32)
    whole = [i // 4 for i, score in enumerate(trainer._scores) if score.failed]
    assert output.wanted == 32 - 4 * len(set(whole))
    assert not output.batch["advantages"][output.wanted :].any()


def test_evaluation_counts_them_apart(half_trained: Path, flaky: Environment):
    model, tokenizer = load_model(str(half_trained), KERNELS), load_tokenizer(str(half_trained))
    eval_sets = make_eval_sets({"all": flaky}, [1], 24)
    (record,) = evaluate(model, tokenizer, eval_sets, EvalConfig(6, samples=2))
    kept = graded(record)
    assert 0 < len(kept) < 24
    for task in record["tasks"]:
        assert task["samples"] + task["grader_failures"] == 2 + (task not in kept)
        assert not (task["status"] == "grader_error" and task["greedy"])
    accuracy = sum(task["greedy"] for task in kept) / len(kept)
    assert greedy_accuracy(model, tokenizer, eval_sets, 6) == {"eval/all/L1/greedy": accuracy}
