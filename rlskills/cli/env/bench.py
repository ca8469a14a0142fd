"""`rlskills env bench`: how fast an environment draws and grades, and how much it holds."""

from __future__ import annotations

import json as json_text
import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import tyro
from rich.table import Table
from rich.text import Text

from ...console import Console
from ...environments import Environment, Task, load, names
from ...environments.environment import EmptySplit
from ...errors import UserError

REPEATS = 3


@dataclass(frozen=True)
class Speed:
    """One split of one level; rates are the median of a few repeats.

    Seconds are of processor time, so that a busy machine does not count, except where workers
    grade: then they are of the clock on the wall.
    """

    split: str
    level: int
    drawn_per_s: float
    p99_ms: float
    """99th percentile of the time of one draw."""
    right_per_s: float
    """Right answers graded a second, in batches."""
    wrong_per_s: float
    """Answers to other tasks graded a second, in batches."""
    problems: str
    """How many different ones there are, estimated from repeats among those drawn."""


def bench(
    envs: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    all_: Annotated[bool, tyro.conf.arg(name="all")] = False,
    seconds: float = 0.3,
    output: Path | None = None,
) -> None:
    """Rates of drawing and grading by level and split, slow draws, and memory.

    Args:
        envs: Names or file.py:Class; options may follow after a question mark.
        all_: Everything that `rlskills env list` lists.
        seconds: Time for each measurement; three are made of each, and the median counts.
        output: File for the figures as JSON. `docs/environments` has its speed column from one.
    """
    chosen = list(dict.fromkeys([*envs, *(names() if all_ else ())]))
    if not chosen:
        raise UserError("name an environment to measure, or give --all")
    if seconds <= 0:
        raise UserError(f"--seconds must be positive, but is {seconds:g}")
    console, found = Console(), {}
    for spec in chosen:
        speeds = measure(load(spec), seconds)
        found[spec] = [asdict(speed) for speed in speeds]
        console.print(_table(spec, speeds))
    console.print(f"memory of this process at its highest: {peak_mb():.0f} MB", highlight=False)
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        about = {"machine": machine(), "seconds": seconds, "environments": found}
        output.write_text(json_text.dumps(about, indent=1) + "\n")


def measure(env: Environment, seconds: float) -> list[Speed]:
    """All splits and levels that hold tasks."""
    found = []
    for split in env.holdout.splits:
        for level in range(1, len(env.configs) + 1):
            try:
                found.append(_measure(env, split, level, seconds))
            except EmptySplit:
                continue
    return found


def _measure(env: Environment, split: str, level: int, seconds: float) -> Speed:
    from ...environments.conformance.drawing import capacity

    tasks, times = draw_for(env, split, level, seconds)
    rates, start = [len(times) / max(1e-9, sum(times))], len(tasks)
    for _ in range(REPEATS - 1):
        more, again = draw_for(env, split, level, seconds, start)
        rates.append(len(again) / max(1e-9, sum(again)))
        start += len(more)
    right = [env.solution(task) for task in tasks]
    wrong = [*right[1:], right[0]] if len(right) > 1 else ["no answer"]
    return Speed(
        split,
        level,
        median(rates),
        1000 * sorted(times)[int(0.99 * (len(times) - 1))],
        grading_rate(env, tasks, right, seconds),
        grading_rate(env, tasks, wrong, seconds),
        capacity(len(tasks), len({task.key for task in tasks})),
    )


def draw_for(
    env: Environment, split: str, level: int, seconds: float, start: int = 0
) -> tuple[list[Task], list[float]]:
    """Tasks drawn in `seconds`, at least one, and the seconds of each draw."""
    clock = clock_of(env)
    tasks: list[Task] = []
    times: list[float] = []
    end = clock() + seconds
    while not tasks or clock() < end:
        before = clock()
        tasks.append(env.task(split, level, start + len(tasks)))
        times.append(clock() - before)
    return tasks, times


def grading_rate(env: Environment, tasks: list[Task], texts: list[str], seconds: float) -> float:
    """Completions graded a second: the median of `REPEATS` measurements after a first batch."""
    tasks, texts = tasks[:1000], texts[:1000]
    env.scores(tasks[:20], texts[:20])  # workers start, tables are filled
    clock = clock_of(env)
    return median(rate(lambda: env.scores(tasks, texts), len(tasks), seconds, clock)
                  for _ in range(REPEATS))  # fmt: skip


def clock_of(env: Environment) -> Callable[[], float]:
    """The clock that counts all the work of this environment, and as little else as possible."""
    return time.process_time if env.trusted_grader else time.perf_counter


def rate(
    work: Callable[[], Any],
    size: int,
    seconds: float,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """How often a second something happens that `work` does `size` times."""
    done, start = 0, clock()
    while not done or clock() - start < seconds:
        work()
        done += size
    return done / (clock() - start)


def peak_mb() -> float:
    """The most memory this process ever had, in megabytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1e6 if sys.platform == "darwin" else 1e3)


def machine() -> str:
    """The interpreter and processor that figures were measured on, in words."""
    lines = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((x.split(":")[1].strip() for x in lines.split("\n") if "model name" in x), "")
    return f"Python {platform.python_version()}, {model or platform.machine()}"


def _table(spec: str, speeds: list[Speed]) -> Table:
    table = Table("split", "level", title=Text(spec), title_justify="left")
    for column in ("drawn/s", "p99 ms", "right graded/s", "wrong graded/s", "problems, about"):
        table.add_column(column, justify="right")
    for speed in speeds:
        table.add_row(
            speed.split, str(speed.level), f"{speed.drawn_per_s:,.0f}", f"{speed.p99_ms:.2f}",
            f"{speed.right_per_s:,.0f}", f"{speed.wrong_per_s:,.0f}", speed.problems,
        )  # fmt: skip
    return table
