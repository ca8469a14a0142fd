"""Tasks as rows for other trainers: Hugging Face datasets, TRL, verl, JSON lines and parquet.

A row carries the whole task, so that whoever grades an answer to it never draws it again: a
difference of version or seed between the two ends cannot grade the wrong problem.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from ..environments import Environment, Score, Task, load, unique_tasks
from ..errors import UserError
from ..spec import Spec

Row = dict[str, Any]


def chosen(env: Environment, split: str, levels: int | Sequence[int], count: int) -> Iterator[Task]:
    """`count` different problems of every level; `UserError` where there are not so many."""
    for level in [levels] if isinstance(levels, int) else levels:
        yield from unique_tasks(env, split, level, count)


def row_of(task: Task) -> Row:
    """One row: the task's fields, the prompt as chat messages, `data` as JSON text.

    The columns are alike for all environments and levels; `task_of` gives the task back.
    """
    row = asdict(task)
    return row | {
        "prompt": task.messages,
        "text_prompt": isinstance(task.prompt, str),
        "skills": list(task.skills),
        "data": json.dumps(task.data, ensure_ascii=False),
    }


def task_of(row: Mapping[str, Any]) -> Task:
    """The task that a row came from."""
    kept = {item.name: row[item.name] for item in fields(Task)}
    messages = [dict(message) for message in row["prompt"]]
    kept["prompt"] = messages[0]["content"] if row["text_prompt"] else tuple(messages)
    return Task(**kept | {"skills": tuple(row["skills"]), "data": json.loads(row["data"])})


def rows(
    env: Environment | str, split: str = "train", level: int | Sequence[int] = 1, n: int = 1000
) -> Iterator[Row]:
    """`n` different problems of each level as rows; an environment may be given by name."""
    env = load(env) if isinstance(env, str) else env
    return map(row_of, chosen(env, split, level, n))


def to_hf(
    env: Environment | str, split: str = "train", level: int | Sequence[int] = 1, n: int = 1000
) -> Any:
    """A `datasets.Dataset` of `n` different problems of each level; see `row_of` for columns."""
    return datasets_library().Dataset.from_list(list(rows(env, split, level, n)))


def to_trl(
    env: Environment | str,
    split: str = "train",
    level: int | Sequence[int] = 1,
    n: int = 1000,
    chat: bool = True,
) -> tuple[Any, Callable[..., list[float | None]]]:
    """A dataset and a reward function for TRL's `GRPOTrainer`.

    Prompts are conversations, or plain text for models without a chat template (`chat=False`). The
    reward of a completion whose grader failed is None, which TRL leaves out of the mean. TRL does
    not say which completions were cut off; they are graded like any other.
    """
    made = load(env) if isinstance(env, str) else env

    def reward(
        completions: Sequence[Any], task: Sequence[str], **columns: Any
    ) -> list[float | None]:
        texts = [
            completion if isinstance(completion, str) else completion[-1]["content"]
            for completion in completions
        ]
        scores = made.scores([Task.from_json(text) for text in task], texts)
        return [None if score.failed else score.reward for score in scores]

    reward.__name__ = "".join(c if c.isalnum() else "_" for c in made.name)
    kept = ("answer", "level", "skills", "split", "key")
    listed = [
        {name: row_of(task)[name] for name in kept}
        | {"task": task.to_json(), "prompt": task.messages if chat else task.text}
        for task in chosen(made, split, level, n)
    ]
    return datasets_library().Dataset.from_list(listed), reward


def verl_row(task: Task, spec: Spec) -> Row:
    """A row of verl's RL datasets; `compute_score` of `rlskills.adapters.verl` grades it.

    `spec` is that of the environment, with all its options.
    """
    return {
        "data_source": str(spec),
        "prompt": task.messages,
        "ability": task.env,
        "reward_model": {"style": "rule", "ground_truth": task.answer or ""},
        "extra_info": {
            "index": task.index,
            "split": task.split,
            "level": task.level,
            "key": task.key,
            "skills": list(task.skills),
            "depth": task.depth,
            "task": task.to_json(),
        },
    }


def score_row(env: Environment, row: Mapping[str, Any], completion: str) -> Score:
    """Grade a completion of an exported row."""
    return env.score(task_of(row), completion)


def datasets_library() -> Any:
    """Hugging Face's `datasets`, or a `UserError` that says how to get it."""
    try:
        import datasets
    except ImportError as error:
        raise UserError(f"this needs datasets ({error}): pip install 'rlskills[parquet]'") from None
    return datasets
