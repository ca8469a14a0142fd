"""Grading for verl, of rows that `rlskills env export --format verl` wrote.

custom_reward_function.path=pkg://rlskills.adapters.verl
custom_reward_function.name=compute_score
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ..environments import Environment, GraderError, Task, load


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any],
    **settings: Any,
) -> float:
    """The reward of a completion; `GraderError` where grading failed, which verl has no value for.

    `data_source` is what `rlskills.environments.load` takes, `extra_info["task"]` the task as JSON;
    `ground_truth` is not needed.
    """
    score = _environment(data_source).score(Task.from_json(extra_info["task"]), solution_str)
    if score.failed:
        raise GraderError(f"{data_source}: {score.note}")
    return score.reward


@cache
def _environment(spec: str) -> Environment:
    return load(spec)
