"""`rlskills env export`: problems in the forms that other trainers read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro

from ...console import Console, progress
from ...environments import Task, load
from ...errors import UserError


def export(
    env: tyro.conf.Positional[str],
    /,
    output: Path,
    split: str = "train",
    level: tuple[int, ...] = (1,),
    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 1000,
    format: str = "jsonl",
) -> None:
    """Write different problems to a file, with key, split, level and skills.

    Args:
        env: Name or file.py:Class; options may follow after a question mark.
        output: File to write; for "hf" a folder. It must not exist yet.
        split: train, test, or one that the environment holds out (ood_skill, ood_pair, ood_depth).
        level: Levels, from 1 on.
        count: How many problems of each level.
        format: jsonl, parquet, hf (a dataset folder of Hugging Face) or verl (its parquet; graded
            by compute_score of rlskills.adapters.verl).
    """
    from ...adapters.export import chosen
    from ...adapters.files import write

    if count < 1:
        raise UserError(f"-n must be positive, but is {count}")
    loaded = load(env)
    console = Console()
    total = count * len(level)

    def shown() -> Iterator[Task]:
        with progress(f"problems of {loaded.name}", total, 0, console) as advance:
            for done, task in enumerate(chosen(loaded, split, level, count), start=1):
                if done % 100 == 0 or done == total:
                    advance(done, "")
                yield task

    write(shown(), loaded, format, output)
    console.print(f"written: {output}, {total} problems", highlight=False, soft_wrap=True)
