"""How fast tasks are drawn and graded, what importing them costs, and whether memory stays flat.

    python benchmarks/tasks.py
    python benchmarks/tasks.py --stream 1000000 --unique 50000

Prints what was measured, the target, and the ratio of the two. Rates are the best of several
rounds, in processor time, so that a busy machine disturbs them little. Exits with 1 if a target is
missed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import tyro
from rich.progress import track
from rich.table import Table

from rlskills.console import Console
from rlskills.environments import Environment, load, unique_tasks
from rlskills.environments.grading import arithmetic

IMPORT = "import sys, time; s = time.process_time(); import rlskills.environments; " \
    "print(time.process_time() - s, 'torch' in sys.modules)"  # fmt: skip


@dataclass(frozen=True)
class Config:
    """What to measure."""

    env: str = "string_transform"
    """Environment whose tasks are drawn."""
    level: int = 2
    """At this level."""
    rounds: int = 5
    """Rounds of which the best counts."""
    count: int = 2000
    """Tasks a round."""
    stream: int = 100_000
    """Tasks that are streamed while memory is watched; 0: none."""
    unique: int = 0
    """Different problems to collect at this level; 0: none."""


@dataclass(frozen=True)
class Result:
    """One line; `better` is how many times better than the target it is."""

    what: str
    measured: str
    target: str
    better: float


def main(config: Config) -> None:
    """Measure, print, and exit with 1 if a target was missed."""
    env = load(config.env)
    results = [*_rates(config, env), _arithmetic(config), _import()]
    if config.stream:
        results.append(_memory(env, config.level, config.stream))
    table = Table("what", "measured", "target", "ratio to the target")
    for one in results:
        table.add_row(one.what, one.measured, one.target, f"{one.better:.2f}")
    Console().print(table)
    if config.unique:
        _unique(env, config.level, config.unique)
    if any(one.better < 1 for one in results):
        raise SystemExit(1)


def _rates(config: Config, env: Environment) -> Iterator[Result]:
    for split, target in (("train", 20_000), ("test", 5_000)):
        stream = env.tasks(split, config.level)
        yield _rate(config, f"{split} tasks", lambda n, s=stream: list(islice(s, n)), target)
    tasks = list(islice(env.tasks("train", config.level), config.count))
    texts = [env.solution(task) for task in tasks]
    yield _rate(config, "gradings", lambda n: env.scores(tasks[:n], texts[:n]), 10_000)


def _arithmetic(config: Config) -> Result:
    text = "(25 + 3) * 4 - 10 / 5"
    act: Callable[[int], object] = lambda n: [arithmetic(text) for _ in range(n)]  # noqa: E731
    return _rate(config, "expressions of five numbers", act, 100_000)


def _rate(config: Config, what: str, act: Callable[[int], object], target: int) -> Result:
    best = 0.0
    for _ in range(config.rounds):
        start = time.process_time()
        act(config.count)
        best = max(best, config.count / (time.process_time() - start))
    return Result(f"{what} a second", f"{best:,.0f}", f"at least {target:,}", best / target)


def _import() -> Result:
    seconds = []
    for _ in range(5):
        words = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True)
        spent, torch = words.stdout.split()
        assert torch == "False", "rlskills.environments imports torch"
        seconds.append(float(spent))
    best = min(seconds)
    return Result("seconds to import, without torch", f"{best:.3f}", "below 0.2", 0.2 / best)


def _memory(env: Environment, level: int, count: int) -> Result:
    """Growth between the first tenth of a stream, when every cache is warm, and its end."""
    early = 0.0
    for index in track(range(count), "streaming"):
        env.task("train", level, index)
        if index == count // 10:
            early = _resident()
    grown = _resident() - early
    shown = f"{grown:+.1f} MB over {count:,} tasks"
    return Result("memory", shown, "within 2 MB", 2 / max(grown, 0.01))


def _resident() -> float:
    """Resident memory in MB; where the system does not say, the most there ever was."""
    file = Path("/proc/self/statm")
    if file.exists():
        return int(file.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _unique(env: Environment, level: int, count: int) -> None:
    start = time.process_time()
    tasks = list(track(unique_tasks(env, "train", level, count), "collecting", total=count))
    spent, draws = time.process_time() - start, tasks[-1].index + 1
    keys = {task.key for task in tasks}
    print(f"{len(keys):,} different problems of level {level} in the first {draws:,} draws, "
          f"{spent:.1f} s of processor time")  # fmt: skip


if __name__ == "__main__":
    main(tyro.cli(Config))
