"""Evaluation of an arm: the curve while it trains, and the eval sets at the end.

The final eval sets are shared by the processes of a group; every process answers its share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from accelerate import PartialState
from accelerate.utils import gather_object

from ..evaluation.eval_sets import EvalSet, eval_sets_digest
from ..evaluation.evaluate import EvalConfig, evaluate, graded, greedy_accuracy
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

    def curve(self, loaded: LoadedModel) -> dict[str, float]:
        """Greedy accuracy by tag on the first tasks of each eval set."""
        fewer = [
            replace(eval_set, tasks=eval_set.tasks[: self.curve_tasks])
            for eval_set in self.eval_sets
        ]
        return greedy_accuracy(loaded, fewer, self.config)

    def final(self, loaded: LoadedModel) -> dict[str, Any]:
        """What `evaluation.json` holds: the outcome of every task of every eval set."""
        processes = PartialState()
        rank, world = processes.process_index, processes.num_processes
        mine = [replace(each, tasks=each.tasks[rank::world]) for each in self.eval_sets]
        shares = gather_object([evaluate(loaded, mine, self.config, seed=rank)])
        records = [{**record, "tasks": [None] * len(eval_set.tasks)}
                   for record, eval_set in zip(shares[0], self.eval_sets, strict=True)]  # fmt: skip
        for first, share in enumerate(shares):
            for whole, part in zip(records, share, strict=True):
                whole["tasks"][first::world] = part["tasks"]
        return {"eval_sets_digest": eval_sets_digest(list(self.eval_sets)), "eval_sets": records}


def accuracies(evaluation: dict[str, Any]) -> dict[str, float]:
    """Greedy accuracy by tag `final/<group>/L<level>`, of what could be graded."""
    return {
        tags.final((record["group"], record["level"])): sum(t["greedy"] for t in tasks) / len(tasks)
        for record in evaluation["eval_sets"]
        if (tasks := graded(record))
    }
