"""Completions whose grading failed: dropped and counted, in training and in evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rlskills.curricula import Outcome, Uniform
from rlskills.environments import Environment
from rlskills.environments import load as load_environment
from rlskills.environments.failures import GradingFailures
from rlskills.environments.isolation.workers import workers_of
from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.evaluation.evaluate import evaluate
from rlskills.evaluation.outcomes import failures_in, graded
from rlskills.evaluation.settings import EvalConfig
from rlskills.experiments.evaluator import accuracies_of
from rlskills.models.loading import load
from rlskills.runs import tags
from rlskills.training.collect import FAILED_ROUNDS
from rlskills.training.settings import RLSettings
from rlskills.training.stream import Source, TaskStream
from rlskills.training.trl import RLTrainer

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
    env = load_environment(f"{tmp_path / 'flaky.py'}:Flaky")
    yield env
    workers_of(env).close()


def test_training_drops_and_counts_them(half_trained: Path, tmp_path: Path, flaky: Environment):
    spy = Spy(["L1"])
    tasks = TaskStream({"L1": Source(flaky, "train", 1)}, spy)
    treatments = ("grpo?zero_variance=keep",)
    options: dict[str, Any] = GRPO_SMALL | {"max_steps": 1, "treatments": treatments}
    trainer, budget = trained(
        RLTrainer, RLSettings(**options), tmp_path / "run", half_trained, tasks
    )
    share = trainer.state.log_history[0]["train/grader_failures"]
    assert 0 < share < 1
    assert sum(len(one.rewards) for one in spy.shown) == round((1 - share) * budget.rollouts)
    assert {len(one.rewards) for one in spy.asked} <= {4}
    failed = [rollout.score for rollout in trainer.rounds[0] if rollout.score.failed]
    assert failed
    assert all("ValueError: b" in score.note for score in failed)

    # The user is told once, with the text.
    said: list[str] = []
    trainer.collector.failures = GradingFailures(said.append)

    # Rows that are learned from belong to groups in which every grade came back.
    batch = trainer.collector.round(1)
    hit = {rollout.group for rollout in batch if rollout.score.failed}
    assert hit
    assert len(batch.kept) == 32 - 4 * len(hit)
    assert not hit & {rollout.group for rollout in batch.kept}
    count = sum(rollout.score.failed for rollout in batch)
    assert said == [
        f"grading failed for {count} of 32 completions: the grader of Flaky raised ValueError: b "
        "(train/grader_failures)"
    ]

    # Where nothing at all can be graded, there is an end.
    broken = [rollout for rollout in batch if rollout.score.failed]
    for _ in range(FAILED_ROUNDS - 1):
        trainer.collector._tell_failures(broken)
    trainer.collector._tell_failures(batch.rollouts)
    for _ in range(FAILED_ROUNDS - 1):
        trainer.collector._tell_failures(broken)
    with pytest.raises(UserError, match=f"{FAILED_ROUNDS} rounds on end.*ValueError: b"):
        trainer.collector._tell_failures(broken)


def test_evaluation_counts_them_apart(half_trained: Path, flaky: Environment):
    loaded = load(str(half_trained), KERNELS)
    eval_sets = make_eval_sets({"all": flaky}, [1], 24)
    (record,) = evaluate(loaded, eval_sets, EvalConfig(6, samples=2))
    kept = graded(record)
    assert 0 < len(kept) < 24
    for task in record["tasks"]:
        assert task["samples"] + task["grader_failures"] == 2 + (task not in kept)
        assert not (task["status"] == "grader_error" and task["greedy"])
        why = "the grader of Flaky raised ValueError: b" if task["grader_failures"] else None
        assert task.get("failure") == why
    texts, completions = failures_in([record])
    assert completions == 24 * 3
    assert len(texts) == sum(task["grader_failures"] for task in record["tasks"])
    accuracy = sum(task["greedy"] for task in kept) / len(kept)
    assert accuracies_of([record], tags.eval_greedy) == {"eval/all/L1/greedy": accuracy}
