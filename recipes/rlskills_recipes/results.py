"""Results of finished arms, for the tables that recipes print, and arms taken from elsewhere."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlskills.experiments.group import processes
from rlskills.runs.files import read_evaluation


def tasks_of(arm: Path) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """The outcomes of an arm's final evaluation, by group and level."""
    eval_sets = read_evaluation(arm / "evaluation.json")["eval_sets"]
    return {(each["group"], each["level"]): each["tasks"] for each in eval_sets}


def accuracies(arm: Path, cells: Sequence[tuple[str, int]]) -> list[float]:
    """Greedy accuracy of an arm in each cell."""
    tasks = tasks_of(arm)
    return [sum(task["greedy"] for task in tasks[cell]) / len(tasks[cell]) for cell in cells]


def rewards(arm: Path) -> list[float]:
    """Mean reward of the sampled answers to every eval task; a task drawn twice counts once."""
    tasks = {task["key"]: task for tasks in tasks_of(arm).values() for task in tasks}
    return [task["reward"] / task["samples"] for task in tasks.values()]


def borrow(arm: Path, folder: Path) -> None:
    """Copy a finished arm into `folder`, unless something is there or nothing is to be copied."""
    target = folder / arm.name
    wanted = (arm / "evaluation.json").exists() and not target.exists()
    processes().wait_for_everyone()
    if wanted and processes().is_main_process:
        _copy(arm, target)
    processes().wait_for_everyone()


def print_row(*cells: object) -> None:
    """Print a line of a Markdown table, on the main process."""
    if processes().is_main_process:
        print("|", " | ".join(map(str, cells)), "|", flush=True)


def _copy(arm: Path, target: Path) -> None:
    beside = target.with_name(f"{arm.name}.copy")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(arm, beside)
    beside.rename(target)
