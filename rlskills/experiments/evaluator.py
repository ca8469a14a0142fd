"""Evaluation of an arm: the curve while it trains, and the eval sets at the end.

Eval sets are shared by the processes of a group; every process answers its share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accelerate import PartialState
from accelerate.utils import gather_object

from ..environments.failures import GradingFailures
from ..evaluation import outcomes
from ..evaluation.eval_sets import EvalSet, eval_sets_digest
from ..evaluation.evaluate import evaluate
from ..evaluation.outcomes import failures_in, graded
from ..evaluation.settings import EvalConfig
from ..generation.engine import Engine
from ..models.loaded import LoadedModel
from ..runs import tags


@dataclass(frozen=True)
class Evaluator:
    """The eval sets of a study, and how they are answered."""

    eval_sets: tuple[EvalSet, ...]
    config: EvalConfig
    curve_tasks: int

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Group and level of every eval set."""
        return [(eval_set.group, eval_set.level) for eval_set in self.eval_sets]

    def check(self, loaded: LoadedModel) -> None:
        """A `UserError` for all that this model cannot read, write or hold."""
        asked = [(each.env, task) for each in self.eval_sets for task in each.tasks]
        loaded.check(asked, self.config.max_new_tokens)

    def curve(
        self, loaded: LoadedModel, engine: Engine, step: int, failures: GradingFailures
    ) -> dict[str, float]:
        """Greedy accuracy by tag on the first tasks of each eval set; for every process.

        `step` is that of the weights, which an engine in a program of its own takes over.
        `failures` is told of gradings that failed.
        """
        fewer = [
            replace(eval_set, tasks=eval_set.tasks[: self.curve_tasks])
            for eval_set in self.eval_sets
        ]
        greedy = replace(self.config, samples=0)
        records = _records(loaded, fewer, greedy, engine, step, failures)
        return accuracies_of(records, tags.eval_greedy)

    def final(
        self, loaded: LoadedModel, engine: Engine, step: int, failures: GradingFailures
    ) -> dict[str, Any]:
        """What `evaluation.json` holds: the outcome of every task of every eval set."""
        records = _records(loaded, self.eval_sets, self.config, engine, step, failures)
        return {"eval_sets_digest": eval_sets_digest(list(self.eval_sets)), "eval_sets": records}


def accuracies(evaluation: dict[str, Any]) -> dict[str, float]:
    """Greedy accuracy by tag `final/<group>/L<level>`, of what could be graded."""
    return accuracies_of(evaluation["eval_sets"], tags.final)


def failure_shares(evaluation: dict[str, Any]) -> dict[tuple[str, tags.Address], float]:
    """How greedy answers fail: shares by kind and eval set; kinds with charts also where 0."""
    return outcomes.failure_shares(evaluation["eval_sets"], tags.MISTAKES)


def _records(
    loaded: LoadedModel, eval_sets: Sequence[EvalSet], how: EvalConfig, engine: Engine, step: int,
    failures: GradingFailures,
) -> list[dict[str, Any]]:  # fmt: skip
    """Those of `_shared`, sampled by an engine that has the weights of `step`."""
    engine.sync(step)
    records = _shared(loaded, eval_sets, how, engine)
    engine.rest()
    failures.tell(*failures_in(records), "evaluation")
    return records


def _shared(
    loaded: LoadedModel, eval_sets: Sequence[EvalSet], how: EvalConfig, engine: Engine
) -> list[dict[str, Any]]:
    """Records of `evaluate`, of which every process answers its share and receives all.

    So none waits for another: a group of processes gives up after some minutes of that.
    """
    processes, together = PartialState(), engine.together
    rank, world = processes.process_index // together, processes.num_processes // together
    mine = [each.part(slice(rank, None, world)) for each in eval_sets]
    with loaded.whole_weights():
        share = evaluate(loaded, mine, how, seed=rank, engine=engine)
    shares = gather_object([share])[::together]
    records = [{**record, "tasks": [None] * len(eval_set.tasks)}
               for record, eval_set in zip(shares[0], eval_sets, strict=True)]  # fmt: skip
    for first, records_of_one in enumerate(shares):
        for whole, part in zip(records, records_of_one, strict=True):
            whole["tasks"][first::world] = part["tasks"]
    return records


def accuracies_of(
    records: Sequence[Mapping[str, Any]], tag: Callable[[tags.Address], str]
) -> dict[str, float]:
    """Greedy accuracy of each record, by the tag of its address, of what could be graded."""
    return {
        tag((record["group"], record["level"])): sum(task["greedy"] for task in tasks) / len(tasks)
        for record in records
        if (tasks := graded(record))
    }
